-- The processes of one kind (a job, a stream), the newest first; those of one stream if it is given.
SELECT stream, host, pid, application, tracking_url, mode, state, reason, error, state_since, restarts, restarts_since_commit,
    progress, last_error, last_error_at, started_at, heartbeat_at,
    extract(epoch FROM clock_timestamp() - heartbeat_at)::float8 AS silent_seconds
FROM castro.instance
WHERE kind = %(kind)s AND (%(stream)s::text IS NULL OR stream = %(stream)s)
ORDER BY started_at DESC LIMIT %(limit)s
