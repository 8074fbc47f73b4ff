-- Adds the deltas to the daily or monthly rows, and returns those that are cached.
WITH merged AS (
    INSERT INTO {aggregate} AS t (product_code, {period}, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost)
    SELECT d.*, newest.unit_cost
    FROM (
        SELECT product_code, {period_of_date} AS {period}, sum(transactions) AS transactions, sum(volume) AS volume, sum(value) AS value, sum(volume_in) AS volume_in,
           sum(volume_out) AS volume_out, sum(value_in) AS value_in, sum(value_out) AS value_out
        FROM deltas GROUP BY 1, 2
    ) d
    LEFT JOIN LATERAL (
        SELECT e.unit_cost FROM ml_inventory_realtime e
        WHERE e.product_code = d.product_code AND {within}
        ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC LIMIT 1
    ) newest ON true
    ORDER BY d.product_code, d.{period}
    ON CONFLICT (product_code, {period}) DO UPDATE SET
        transactions = t.transactions + EXCLUDED.transactions,
        volume = t.volume + EXCLUDED.volume,
        value = t.value + EXCLUDED.value,
        volume_in = t.volume_in + EXCLUDED.volume_in,
        volume_out = t.volume_out + EXCLUDED.volume_out,
        value_in = t.value_in + EXCLUDED.value_in,
        value_out = t.value_out + EXCLUDED.value_out,
        last_unit_cost = EXCLUDED.last_unit_cost, updated_at = now()
    RETURNING product_code, {period}, transactions, volume, value
)
SELECT product_code, {period}, transactions, trim_scale(volume)::text, trim_scale(value)::text
FROM merged WHERE {period} >= %(oldest)s
