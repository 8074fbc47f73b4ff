-- Step 4 of the commit: the newest event of each product that the batch touched, with one index probe each. It is nearly
-- always the newest of its day and month too. Columns by name: `migrate` may add columns while the stream runs.
INSERT INTO castro_newest ({columns}, created_at, updated_at)
SELECT {values}, e.created_at, e.updated_at
FROM (SELECT DISTINCT product_code FROM castro_deltas) p
CROSS JOIN LATERAL (
    SELECT * FROM {events} e
    WHERE e.product_code = p.product_code
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC
    LIMIT 1
) e
