-- The current rows of these days (or months); 0 transactions if there is none.
SELECT k.product_code, k.first_day, coalesce(t.transactions, 0), trim_scale(coalesce(t.volume, 0))::text,
       trim_scale(coalesce(t.value, 0))::text
FROM unnest(%(products)s::text[], %(days)s::date[]) AS k (product_code, first_day)
LEFT JOIN {table} t ON t.product_code = k.product_code COLLATE "C" AND t.{period} = k.first_day
