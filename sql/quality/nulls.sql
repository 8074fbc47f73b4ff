-- For each day, and kind of event: rows, and nulls of each column. A sample: the events of some products of each day.
SELECT e.date, {kind}, count(*), {nulls}
FROM unnest(%(days)s::date[]) AS day (date)
CROSS JOIN LATERAL (
    SELECT d.product_code, d.date FROM {daily} d WHERE d.date = day.date
    ORDER BY hashtextextended(d.product_code, %(salt)s) LIMIT %(products)s
) picked
JOIN {events} e ON e.product_code = picked.product_code AND e.date = picked.date
GROUP BY 1, 2
