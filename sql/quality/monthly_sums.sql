-- Months of some products whose row differs from the sums of their days: the months of some days.
SELECT picked.product_code, picked.month, coalesce(m.transactions, 0), picked.transactions
FROM (
    SELECT chosen.product_code, chosen.month, sum(d.transactions) AS transactions, sum(d.volume) AS volume,
           sum(d.value) AS value
    FROM (
        SELECT DISTINCT sampled.product_code, date_trunc('month', day.date)::date AS month
        FROM unnest(%(days)s::date[]) AS day (date)
        CROSS JOIN LATERAL (
            SELECT d.product_code FROM {daily} d WHERE d.date = day.date
            ORDER BY hashtextextended(d.product_code, %(salt)s) LIMIT %(products)s
        ) sampled
    ) chosen
    CROSS JOIN LATERAL (
        SELECT * FROM {daily} d
        WHERE d.product_code = chosen.product_code AND d.date >= chosen.month
          AND d.date < (chosen.month + interval '1 month')::date OFFSET 0
    ) d
    GROUP BY chosen.product_code, chosen.month
) picked
LEFT JOIN {monthly} m ON m.product_code = picked.product_code AND m.month = picked.month
WHERE (picked.transactions, picked.volume, picked.value) IS DISTINCT FROM (m.transactions, m.volume, m.value)
ORDER BY 1, 2 LIMIT 5
