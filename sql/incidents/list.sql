-- Incidents: the open ones, or the newest whether open or not; the worst first, then the oldest.
SELECT {columns} FROM castro.incident
WHERE ended_at IS NULL OR %(ended)s
ORDER BY ended_at IS NOT NULL, level DESC, CASE WHEN ended_at IS NULL THEN opened_at END, ended_at DESC, id
LIMIT %(limit)s
