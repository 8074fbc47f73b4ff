-- Days (or months) of some products that changed after a revision; emptied ones with 0 transactions.
SELECT t.product_code, t.{period}, t.transactions, trim_scale(t.volume)::text, trim_scale(t.value)::text
FROM unnest(%(products)s::text[]) AS p (product_code)
JOIN {table} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} >= %(oldest)s
WHERE t.revision > %(since)s
UNION ALL
SELECT e.product_code, e.first_day, 0, '0', '0'
FROM unnest(%(products)s::text[]) AS p (product_code)
JOIN castro.emptied e ON e.stream = %(stream)s AND e.period = {period_name}
    AND e.product_code = p.product_code COLLATE "C" AND e.first_day >= %(oldest)s
WHERE e.revision > %(since)s
  AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.product_code = e.product_code AND t.{period} = e.first_day)
