-- Rows of the daily table, and the sum of a hash of each one's canonical text (reference.sums_text).
SELECT count(*), sum(('x' || left(md5(row_text), 16))::bit(64)::bigint::numeric)
FROM (
    SELECT concat_ws('|', product_code, date, transactions, trim_scale(volume), trim_scale(value), trim_scale(volume_in),
                     trim_scale(volume_out), trim_scale(value_in), trim_scale(value_out), trim_scale(last_unit_cost)) AS row_text
    FROM ml_inventory_daily
) texts
