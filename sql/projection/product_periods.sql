-- One product's rows of some days (or months), and the last commit that wrote or removed each; 0 transactions without a row.
SELECT p.first_day, coalesce(t.transactions, 0), trim_scale(coalesce(t.volume, 0))::text,
       trim_scale(coalesce(t.value, 0))::text, coalesce(t.revision, e.revision, 0)
FROM unnest(%(days)s::date[]) AS p (first_day)
LEFT JOIN {table} t ON t.product_code = %(product)s AND t.{period} = p.first_day
LEFT JOIN castro.emptied e ON e.stream = %(stream)s AND e.period = {period_name} AND e.first_day = p.first_day
    AND e.product_code = %(product)s
ORDER BY p.first_day
