-- The batch's newest record of each event, upserted unless the table has a newer one.
INSERT INTO ml_inventory_realtime AS t (
    event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total,
    date, month, quarter, day_of_week, is_weekend, source_position
)
SELECT event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total,
    date, month, quarter, day_of_week, is_weekend, source_position
FROM (
    SELECT DISTINCT ON (event_id) *, int4send(source_partition) || int8send(source_offset) AS source_position
    FROM staged
    ORDER BY event_id, source_partition DESC, source_offset DESC
) newest
ON CONFLICT (event_id) DO UPDATE SET
    product_code = EXCLUDED.product_code, transaction_type = EXCLUDED.transaction_type, quantity = EXCLUDED.quantity,
    unit_cost = EXCLUDED.unit_cost, "timestamp" = EXCLUDED."timestamp", warehouse = EXCLUDED.warehouse,
    supplier = EXCLUDED.supplier, customer = EXCLUDED.customer, value_total = EXCLUDED.value_total, date = EXCLUDED.date,
    month = EXCLUDED.month, quarter = EXCLUDED.quarter, day_of_week = EXCLUDED.day_of_week,
    is_weekend = EXCLUDED.is_weekend, source_position = EXCLUDED.source_position, updated_at = now()
WHERE t.source_position < EXCLUDED.source_position
