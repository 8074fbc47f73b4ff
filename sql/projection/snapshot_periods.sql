-- The hash's fields of the products' rows of one day or month, NULL without a row, and the last commit that wrote or
-- removed each.
SELECT p.product_code, %(first)s::date, {fields}, coalesce(t.revision, e.revision, 0)
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN {table} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} = %(first)s
LEFT JOIN castro.emptied e ON e.stream = %(stream)s AND e.period = {period_name} AND e.first_day = %(first)s
    AND e.product_code = p.product_code COLLATE "C"
