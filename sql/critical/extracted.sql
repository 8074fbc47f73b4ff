-- Products of a warehouse table with a row that was written after a time, and that its source changed within some days.
-- Reads the table once per extract.
SELECT DISTINCT {product_code} FROM {table}
WHERE {loaded_at} > %(since)s AND {changed_at} >= now() - %(days)s * interval '1 day'
ORDER BY 1
