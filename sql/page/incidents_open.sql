-- The open incidents, the worst first, then the oldest.
SELECT {columns} FROM castro.incident WHERE ended_at IS NULL ORDER BY level DESC, opened_at, id LIMIT %(limit)s
