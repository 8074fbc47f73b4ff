-- The oldest requests of a stream.
SELECT id, kind, product_code, first_day FROM castro.projection_request
WHERE stream = %(stream)s ORDER BY id LIMIT %(most)s
