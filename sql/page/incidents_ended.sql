-- Ended incidents, the newest first.
SELECT {columns} FROM castro.incident
WHERE ended_at IS NOT NULL AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
