-- Some products' values over a window, as in quantiles.sql, counted by feature and frozen bin: -1 null, 0 below all edges,
-- the number of the last edge that the value reaches, or one more above the greatest value.
WITH observed AS (
    SELECT {values}
    FROM unnest(%(products)s::text[]) AS sampled (product_code)
    JOIN {daily} d ON d.product_code = sampled.product_code AND d.date BETWEEN %(first)s AND %(last)s
    GROUP BY sampled.product_code
)
SELECT binned.feature, binned.bin, count(*)
FROM observed CROSS JOIN LATERAL (VALUES {binned}) AS binned (feature, bin)
GROUP BY 1, 2
