-- Some products' growth from a window to a later one, counted by feature and bin as in bins.sql. Null: without a value, or
-- with none but 0, in the first window.
WITH days AS (
    SELECT d.*, true AS later
    FROM unnest(%(products)s::text[]) AS sampled (product_code)
    JOIN {daily} d ON d.product_code = sampled.product_code AND d.date BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT d.*, false
    FROM unnest(%(products)s::text[]) AS sampled (product_code)
    JOIN {daily} d ON d.product_code = sampled.product_code AND d.date BETWEEN %(first_before)s AND %(last_before)s
), observed AS (
    SELECT {values} FROM days d GROUP BY d.product_code
)
SELECT binned.feature, binned.bin, count(*)
FROM observed CROSS JOIN LATERAL (VALUES {binned}) AS binned (feature, bin)
GROUP BY 1, 2
