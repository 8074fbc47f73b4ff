-- Marks the commits that wait for Redis: their latencies to PostgreSQL are counted now, by whoever marks them.
UPDATE castro.uncounted SET in_postgres = true WHERE stream = %(stream)s AND NOT in_postgres
RETURNING revision, committed_ms, produced_ms, records, untimed
