-- Step 4 of the commit: the newest event of each product that the batch touched, by one probe. It is nearly always the
-- newest of its day and month too.
INSERT INTO castro_newest
SELECT e.*
FROM (SELECT DISTINCT product_code FROM castro_deltas) p
CROSS JOIN LATERAL (
    SELECT * FROM {events} e
    WHERE e.product_code = p.product_code
    ORDER BY e.date DESC, e."timestamp" DESC, e.position_major DESC, e.position_minor DESC
    LIMIT 1
) e
