-- Some products' values over a window (both days included), one value a product and feature: their number, and of each
-- feature its quantiles, as values that occur.
WITH observed AS (
    SELECT {values}
    FROM unnest(%(products)s::text[]) AS sampled (product_code)
    JOIN {daily} d ON d.product_code = sampled.product_code AND d.date BETWEEN %(first)s AND %(last)s
    GROUP BY sampled.product_code
)
SELECT count(*), {quantiles} FROM observed
