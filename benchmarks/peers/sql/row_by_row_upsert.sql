INSERT INTO ml_inventory_realtime AS t (
    event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total,
    date, month, quarter, day_of_week, is_weekend, source_position
) VALUES (
    %(event_id)s, %(product_code)s, %(transaction_type)s, %(quantity)s, %(unit_cost)s, %(timestamp)s, %(warehouse)s,
    %(supplier)s, %(customer)s, %(value_total)s, %(date)s, %(month)s, %(quarter)s, %(day_of_week)s, %(is_weekend)s,
    int4send(%(partition)s) || int8send(%(offset)s)
)
ON CONFLICT (event_id) DO UPDATE SET
    product_code = EXCLUDED.product_code, transaction_type = EXCLUDED.transaction_type, quantity = EXCLUDED.quantity,
    unit_cost = EXCLUDED.unit_cost, "timestamp" = EXCLUDED."timestamp", warehouse = EXCLUDED.warehouse,
    supplier = EXCLUDED.supplier, customer = EXCLUDED.customer, value_total = EXCLUDED.value_total, date = EXCLUDED.date,
    month = EXCLUDED.month, quarter = EXCLUDED.quarter, day_of_week = EXCLUDED.day_of_week,
    is_weekend = EXCLUDED.is_weekend, source_position = EXCLUDED.source_position, updated_at = now()
WHERE t.source_position < EXCLUDED.source_position
