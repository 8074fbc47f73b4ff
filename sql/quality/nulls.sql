-- For each day, and kind of event: rows, and nulls of each column. A sample: the events of some products of
-- each day. OFFSET 0 keeps each lateral subquery what it is: a probe of an index.
SELECT e.date, {kind}, count(*), {nulls}
FROM unnest(%(days)s::date[]) AS day (date)
CROSS JOIN LATERAL (
    SELECT d.product_code, d.date FROM {daily} d WHERE d.date = day.date
    ORDER BY hashtextextended(d.product_code, %(salt)s) LIMIT %(products)s
) picked
CROSS JOIN LATERAL (
    SELECT * FROM {events} e WHERE e.product_code = picked.product_code AND e.date = picked.date OFFSET 0
) e
GROUP BY 1, 2
