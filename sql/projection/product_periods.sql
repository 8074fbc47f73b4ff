-- The hash's fields of one product's days (or months), NULL without a row, and the last commit that wrote or removed each.
SELECT %(product)s::text, p.first_day, {fields}, coalesce(t.revision, e.revision, 0)
FROM unnest(%(days)s::date[]) AS p (first_day)
LEFT JOIN {table} t ON t.product_code = %(product)s AND t.{period} = p.first_day
LEFT JOIN castro.emptied e ON e.stream = %(stream)s AND e.period = {period_name} AND e.first_day = p.first_day
    AND e.product_code = %(product)s
ORDER BY p.first_day
