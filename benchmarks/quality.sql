-- A year of %(rows)s events of %(products)s products, as the stream would have committed them, ten a commit.
TRUNCATE ml_inventory_realtime, ml_inventory_daily, ml_inventory_monthly, castro.batch_books, castro.touched;
INSERT INTO ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse,
    supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at)
SELECT 'TR-' || lpad(n::text, 10, '0'), 'P' || product, CASE WHEN receipt THEN 'ENTRADA' ELSE 'SAIDA' END, quantity, cost,
       day + n %% 86000 * interval '1 second', 'D' || product %% 5, CASE WHEN receipt THEN 'F' || product %% 50 END,
       CASE WHEN NOT receipt THEN 'C' || n %% 900 END, quantity * cost, day, extract(month FROM day),
       extract(quarter FROM day), extract(isodow FROM day) - 1, extract(isodow FROM day) > 5,
       decode(lpad(to_hex(n), 16, '0'), 'hex'), %(began)s + n / 10 * interval '1 second', %(began)s + n / 10 * interval '1 second'
FROM (
    SELECT n, (hashint8(n) & 2147483647) %% %(products)s AS product, n %% 3 = 0 AS receipt,
           (%(last)s::date - 364 + (n * 365 / %(rows)s)::int) AS day,
           round((5 + n %% 11)::numeric, 6) AS quantity,
           round(((hashint8(n) & 2147483647) %% %(products)s %% 97 + 1) * (0.9 + n %% 21 * 0.01), 6) AS cost
    FROM generate_series(0, %(rows)s::bigint - 1) n
) made;
INSERT INTO ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out,
    last_unit_cost, revision)
SELECT product_code, date, count(*), sum(quantity), sum(value_total),
       coalesce(sum(quantity) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       coalesce(sum(quantity) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       coalesce(sum(value_total) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       coalesce(sum(value_total) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       max(unit_cost), max(substr(event_id, 4)::bigint / 10) + 1
FROM ml_inventory_realtime GROUP BY product_code, date;
INSERT INTO ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out,
    last_unit_cost, revision)
SELECT product_code, date_trunc('month', date)::date, sum(transactions), sum(volume), sum(value), sum(volume_in),
       sum(volume_out), sum(value_in), sum(value_out), max(last_unit_cost), max(revision)
FROM ml_inventory_daily GROUP BY 1, 2;
INSERT INTO castro.touched (stream, product_code, revision)
SELECT 'inventory', product_code, max(revision) FROM ml_inventory_monthly GROUP BY product_code;
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale,
    quarantined, skipped, gaps, committed_at)
SELECT 'inventory', r + 1, r %% 4, r, r / 4 * 10, r / 4 * 10 + 10, 10, 0, 0, 0, 0, 0, %(began)s + r * interval '1 second'
FROM generate_series(greatest(0, %(rows)s::bigint / 10 - 400000), %(rows)s::bigint / 10 - 1) r;
INSERT INTO castro.stream (stream, topic, topic_id, epoch, writer, revision)
VALUES ('inventory', 't', 'id', 1, 'benchmark', %(rows)s::bigint / 10)
ON CONFLICT (stream) DO UPDATE SET revision = EXCLUDED.revision;
INSERT INTO castro.offset_ledger (stream, partition, next_offset)
SELECT 'inventory', partition, max(to_offset) FROM castro.batch_books GROUP BY partition
ON CONFLICT (stream, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset;
INSERT INTO ml_product_master (product_code, description, last_modified)
SELECT 'P' || n, 'product ' || n, now() FROM generate_series(0, %(products)s - 1) n ON CONFLICT DO NOTHING
