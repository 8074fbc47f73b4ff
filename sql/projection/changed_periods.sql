-- Days (or months) of some products that changed after a revision, with their hash's fields; NULL for emptied ones.
SELECT t.product_code, t.{period}, {fields}
FROM unnest(%(products)s::text[]) AS p (product_code)
JOIN {table} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} >= %(oldest)s
WHERE t.revision > %(since)s
UNION ALL
SELECT e.product_code, e.first_day, NULL
FROM unnest(%(products)s::text[]) AS p (product_code)
JOIN castro.emptied e ON e.stream = %(stream)s AND e.period = {period_name}
    AND e.product_code = p.product_code COLLATE "C" AND e.first_day >= %(oldest)s
WHERE e.revision > %(since)s
  AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.product_code = e.product_code AND t.{period} = e.first_day)
