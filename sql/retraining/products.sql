-- Of some products: whether each has events in a window (both days included), and up to a day. Those with neither are
-- left out.
SELECT * FROM (
    SELECT sampled.product_code,
           EXISTS (SELECT FROM {daily} d WHERE d.product_code = sampled.product_code
                   AND d.date BETWEEN %(first)s AND %(last)s) AS active,
           EXISTS (SELECT FROM {daily} d WHERE d.product_code = sampled.product_code AND d.date <= %(until)s) AS known
    FROM unnest(%(products)s::text[]) AS sampled (product_code)
) found
WHERE active OR known
