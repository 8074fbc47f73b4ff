-- Checksums of the products' events of a day (reconcile/canonical); no row for a product without events.
SELECT p.product_code, c.rows, c.quantity, c.value_total, c.hash
FROM unnest(%(products)s::text[]) AS p (product_code)
CROSS JOIN LATERAL (
    SELECT count(*) AS rows, sum(quantity) AS quantity, sum(value_total) AS value_total, sum({hash}) AS hash
    FROM {events} e
    WHERE e.product_code = p.product_code COLLATE "C" AND e.date = %(day)s
) c
WHERE c.rows > 0
