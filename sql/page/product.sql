-- A product: its row of the 360° view, whether commits are waiting to be taken into it, and a number that each commit
-- that touches it raises. No row: nothing is known of it.
SELECT {columns}, v.updated_at, t.waiting, t.version
FROM (
    SELECT count(*) > 0 AS touched,
           coalesce(sum(t.revision), 0) AS version,
           coalesce(bool_or(t.revision > coalesce((p.seen ->> t.stream)::bigint, -1)), false) AS waiting
    FROM castro.touched t CROSS JOIN castro.product_360 p
    WHERE t.stream = ANY(%(streams)s) AND t.product_code = %(product)s
) t
LEFT JOIN ml_product_360 v ON v.product_code = %(product)s
WHERE t.touched OR v.product_code IS NOT NULL
