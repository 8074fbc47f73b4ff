-- The repairs of one reconciliation, in their order.
SELECT id, kind, class, key, product_code, before, after, repaired_at
FROM castro.repair
WHERE run = %(run)s AND stream = %(stream)s AND (%(after)s::bigint IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(limit)s
