-- Marks the oldest commits after a revision that wait for Redis: their latencies to PostgreSQL are counted now, by whoever
-- marks them.
UPDATE castro.uncounted SET in_postgres = true WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.uncounted
    WHERE stream = %(stream)s AND revision > %(after)s AND NOT in_postgres
    ORDER BY revision LIMIT %(most)s
    FOR UPDATE
))
RETURNING revision, committed_ms, produced_ms, records, untimed
