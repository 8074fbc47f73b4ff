-- Days of some products whose row differs from the sums of their events.
SELECT picked.product_code, picked.date, picked.transactions, summed.transactions
FROM unnest(%(days)s::date[]) AS day (date)
CROSS JOIN LATERAL (
    SELECT d.* FROM {daily} d WHERE d.date = day.date
    ORDER BY hashtextextended(d.product_code, %(salt)s) LIMIT %(products)s
) picked
CROSS JOIN LATERAL (
    SELECT count(*) AS transactions, coalesce(sum(e.quantity), 0) AS volume, coalesce(sum(e.value_total), 0) AS value
    FROM {events} e WHERE e.product_code = picked.product_code AND e.date = picked.date
) summed
WHERE (picked.transactions, picked.volume, picked.value) IS DISTINCT FROM (summed.transactions, summed.volume, summed.value)
ORDER BY 1, 2 LIMIT 5
