-- In and out by value too, for databases that were there before; what they hold is filled in.
ALTER TABLE {daily}
    ADD COLUMN IF NOT EXISTS value_in numeric NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS value_out numeric NOT NULL DEFAULT 0;
ALTER TABLE {monthly}
    ADD COLUMN IF NOT EXISTS value_in numeric NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS value_out numeric NOT NULL DEFAULT 0;

UPDATE {daily} t SET value_in = s.value_in, value_out = s.value_out
FROM (
    SELECT product_code, date,
           coalesce(sum(value_total) FILTER (WHERE transaction_type = 'ENTRADA'), 0) AS value_in,
           coalesce(sum(value_total) FILTER (WHERE transaction_type = 'SAIDA'), 0) AS value_out
    FROM {events} GROUP BY product_code, date
) s
WHERE t.product_code = s.product_code AND t.date = s.date;

UPDATE {monthly} t SET value_in = s.value_in, value_out = s.value_out
FROM (
    SELECT product_code, date_trunc('month', date)::date AS month, sum(value_in) AS value_in, sum(value_out) AS value_out
    FROM {daily} GROUP BY 1, 2
) s
WHERE t.product_code = s.product_code AND t.month = s.month;
