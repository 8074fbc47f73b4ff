-- The newest event of each product of the batch, as text.
SELECT e.product_code, e.event_id, e.transaction_type, trim_scale(e.quantity)::text, trim_scale(e.unit_cost)::text,
       trim_scale(e.value_total)::text, to_char(e."timestamp", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.warehouse, e.supplier,
       e.customer, e.date::text, e.month::text, e.quarter::text, e.day_of_week::text, e.is_weekend::text,
       to_char(e.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), to_char(e.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM (SELECT DISTINCT product_code FROM deltas) p
CROSS JOIN LATERAL (
    SELECT * FROM ml_inventory_realtime e WHERE e.product_code = p.product_code
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC LIMIT 1
) e
