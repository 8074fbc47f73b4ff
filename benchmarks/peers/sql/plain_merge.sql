-- The same, and what it changes by product and day: the old row is read before it is overwritten.
WITH newest AS MATERIALIZED (
    SELECT DISTINCT ON (event_id) *, int4send(source_partition) || int8send(source_offset) AS source_position
    FROM staged
    ORDER BY event_id, source_partition DESC, source_offset DESC
), changed AS MATERIALIZED (
    SELECT n.*, o.event_id IS NOT NULL AS existed, o.product_code AS old_product_code, o.date AS old_date,
           o.quantity AS old_quantity, o.value_total AS old_value_total, o.transaction_type AS old_transaction_type
    FROM newest n LEFT JOIN ml_inventory_realtime o ON o.event_id = n.event_id
    WHERE o.event_id IS NULL OR o.source_position < n.source_position
), written AS (
    INSERT INTO ml_inventory_realtime (
    event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total,
    date, month, quarter, day_of_week, is_weekend, source_position
    )
    SELECT event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total,
    date, month, quarter, day_of_week, is_weekend, source_position
    FROM changed ORDER BY event_id
    ON CONFLICT (event_id) DO UPDATE SET
    product_code = EXCLUDED.product_code, transaction_type = EXCLUDED.transaction_type, quantity = EXCLUDED.quantity,
    unit_cost = EXCLUDED.unit_cost, "timestamp" = EXCLUDED."timestamp", warehouse = EXCLUDED.warehouse,
    supplier = EXCLUDED.supplier, customer = EXCLUDED.customer, value_total = EXCLUDED.value_total, date = EXCLUDED.date,
    month = EXCLUDED.month, quarter = EXCLUDED.quarter, day_of_week = EXCLUDED.day_of_week,
    is_weekend = EXCLUDED.is_weekend, source_position = EXCLUDED.source_position, updated_at = now()
), shares AS (
    SELECT product_code, date, transaction_type, 1 AS transactions, quantity, value_total FROM changed
    UNION ALL
    SELECT old_product_code, old_date, old_transaction_type, -1, -old_quantity, -old_value_total FROM changed WHERE existed
)
INSERT INTO deltas
SELECT product_code, date, sum(transactions), sum(quantity), sum(value_total),
       coalesce(sum(quantity) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       coalesce(sum(quantity) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       coalesce(sum(value_total) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       coalesce(sum(value_total) FILTER (WHERE transaction_type = 'SAIDA'), 0)
FROM shares GROUP BY product_code, date
