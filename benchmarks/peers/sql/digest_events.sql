-- Rows of the events table, and the sum of a hash of each one's canonical text (reference.event_text).
SELECT count(*), sum(('x' || left(md5(row_text), 16))::bit(64)::bigint::numeric)
FROM (
    SELECT concat_ws('|', event_id, product_code, transaction_type, trim_scale(quantity), trim_scale(unit_cost),
                     trim_scale(value_total), round(extract(epoch FROM "timestamp") * 1000)::bigint, warehouse,
                     coalesce(supplier, ''), coalesce(customer, ''), date, month, quarter, day_of_week,
                     is_weekend::text) AS row_text
    FROM ml_inventory_realtime
) texts
