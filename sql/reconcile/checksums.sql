-- Of each product the checksums of its events of a day (features/canonical); none where there is none.
SELECT p.product_code, c.rows, c.quantity, c.value_total, c.hash
FROM unnest(%(products)s::text[]) AS p (product_code)
CROSS JOIN LATERAL (
    SELECT count(*) AS rows, sum(quantity) AS quantity, sum(value_total) AS value_total, sum({hash}) AS hash
    FROM {events} e
    WHERE e.product_code = p.product_code COLLATE "C" AND e.date = %(day)s
) c
WHERE c.rows > 0
