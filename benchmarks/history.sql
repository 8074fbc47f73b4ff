-- A table of %(rows)s events over 5,000 products, three seconds apart, with its days and months.
INSERT INTO ml_inventory_realtime (
    event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, value_total, date, month,
    quarter, day_of_week, is_weekend, source_position
)
SELECT 'R' || lpad(i::text, 9, '0'), 'P' || lpad((i::bigint * 7919 %% 5000)::text, 5, '0'), 'SAIDA', 1, 2, at, 'CASTRO',
       2, at::date, 1, 1, 1, false, '\x'
FROM generate_series(1, %(rows)s) i, LATERAL (SELECT now() - i * interval '3 second' AS at) t;

INSERT INTO ml_inventory_daily (
    product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision
)
SELECT product_code, date, count(*), count(*), 2 * count(*), 0, count(*), 0, 2 * count(*), 2, 0
FROM ml_inventory_realtime WHERE event_id LIKE 'R%%' GROUP BY product_code, date
ON CONFLICT DO NOTHING;

INSERT INTO ml_inventory_monthly (
    product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision
)
SELECT product_code, date_trunc('month', date), sum(transactions), sum(volume), sum(value), 0, sum(volume_out), 0, sum(value_out), 2, 0
FROM ml_inventory_daily GROUP BY 1, 2
ON CONFLICT DO NOTHING;
