-- Products whose row lacks a commit of the streams, or was computed as of another day.
SELECT t.product_code
FROM castro.touched t CROSS JOIN castro.product_360 v
WHERE t.stream = ANY(%(streams)s) AND t.revision > coalesce((v.seen ->> t.stream)::bigint, -1)
UNION
SELECT product_code FROM ml_product_360 WHERE as_of <> %(as_of)s
ORDER BY product_code
