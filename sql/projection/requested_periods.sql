-- The hash's fields of these days (or months); NULL if there is no row.
SELECT k.product_code, k.first_day, {fields}
FROM unnest(%(products)s::text[], %(days)s::date[]) AS k (product_code, first_day)
LEFT JOIN {table} t ON t.product_code = k.product_code COLLATE "C" AND t.{period} = k.first_day
