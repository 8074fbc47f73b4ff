-- Step 4 of the commit, second part: records the touched products.
INSERT INTO castro.touched (stream, product_code, revision)
SELECT DISTINCT %(stream)s, product_code, %(revision)s FROM castro_deltas
ON CONFLICT (stream, product_code) DO UPDATE SET revision = EXCLUDED.revision
