-- Writes rows of the view, given as a JSON array of objects by column.
INSERT INTO ml_product_360 ({columns}, revision)
SELECT {columns}, %(revision)s
FROM json_populate_recordset(NULL::ml_product_360, %(rows)s)
ON CONFLICT (product_code) DO UPDATE SET ({columns}, revision) = ROW({values}, EXCLUDED.revision), updated_at = now()
