-- The newest ended incident of a check and subject whose mute is not over: a new incident inherits it.
SELECT {columns} FROM castro.incident
WHERE check_name = %(check)s AND subject = %(subject)s AND ended_at IS NOT NULL AND muted_until > clock_timestamp()
ORDER BY muted_until DESC LIMIT 1
