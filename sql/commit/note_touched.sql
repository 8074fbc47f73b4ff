-- Step 4 of the commit, second part: records the touched products. Fresh: by a stream's own commit, with an event of a recent
-- day, or a change of one; %(fresh_from)s is null in commits out of band.
INSERT INTO castro.touched AS t (stream, product_code, revision, fresh_revision)
SELECT %(stream)s, product_code, %(revision)s, CASE WHEN max(date) >= %(fresh_from)s THEN %(revision)s END
FROM castro_deltas GROUP BY product_code
ON CONFLICT (stream, product_code) DO UPDATE SET
    revision = EXCLUDED.revision,
    fresh_revision = coalesce(EXCLUDED.fresh_revision, t.fresh_revision)
