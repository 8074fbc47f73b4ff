-- A product's newest events of one stream, by the index that finds its newest one.
SELECT {columns}, created_at, updated_at
FROM {events}
WHERE product_code = %(product)s
ORDER BY date DESC, "timestamp" DESC, source_position DESC
LIMIT %(most)s
