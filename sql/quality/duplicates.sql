-- For each day: rows, how many repeat another one but for its id, and ids of some of these. A sample, as for nulls.
WITH sampled AS (
    SELECT e.*
    FROM unnest(%(days)s::date[]) AS day (date)
    CROSS JOIN LATERAL (
        SELECT d.product_code, d.date FROM {daily} d WHERE d.date = day.date
        ORDER BY hashtextextended(d.product_code, %(salt)s) LIMIT %(products)s
    ) picked
    CROSS JOIN LATERAL (
        SELECT * FROM {events} e WHERE e.product_code = picked.product_code AND e.date = picked.date OFFSET 0
    ) e
), alike AS (
    SELECT date, count(*) AS events, max(event_id) AS example FROM sampled GROUP BY date, {columns}
)
SELECT date, sum(events)::bigint, sum(events - 1)::bigint, (array_agg(example) FILTER (WHERE events > 1))[1:5]
FROM alike GROUP BY date
