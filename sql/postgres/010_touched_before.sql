-- What was touched before castro.touched was there.
INSERT INTO castro.touched (stream, product_code, revision)
SELECT {stream}, product_code, max(revision) FROM {monthly} GROUP BY product_code;
INSERT INTO castro.touched AS t (stream, product_code, revision)
SELECT stream, product_code, max(revision) FROM castro.emptied WHERE stream = {stream} GROUP BY stream, product_code
ON CONFLICT (stream, product_code) DO UPDATE SET revision = greatest(t.revision, EXCLUDED.revision);
