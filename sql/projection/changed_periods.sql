-- Days (or months) that commits after a revision changed; those that were emptied with 0 transactions.
SELECT product_code, {period}, transactions, trim_scale(volume)::text, trim_scale(value)::text
FROM {table}
WHERE {period} >= %(oldest)s AND revision > %(revision)s
UNION ALL
SELECT product_code, first_day, 0, '0', '0'
FROM castro.emptied e
WHERE stream = %(stream)s AND period = {period_name} AND first_day >= %(oldest)s AND revision > %(revision)s
  AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.product_code = e.product_code AND t.{period} = e.first_day)
