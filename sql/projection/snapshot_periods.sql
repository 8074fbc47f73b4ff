-- The products' rows of one day or month, and the last commit that wrote or removed each; 0 transactions without a row.
SELECT p.product_code, coalesce(t.transactions, 0), trim_scale(coalesce(t.volume, 0))::text,
       trim_scale(coalesce(t.value, 0))::text, coalesce(t.revision, e.revision, 0)
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN {table} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} = %(first)s
LEFT JOIN castro.emptied e ON e.stream = %(stream)s AND e.period = {period_name} AND e.first_day = %(first)s
    AND e.product_code = p.product_code COLLATE "C"
