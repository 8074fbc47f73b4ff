-- The current instance of each part (of the kinds, of the stream if one is given): the newest with a recent heartbeat,
-- else the newest.
SELECT DISTINCT ON (kind, stream)
    kind, stream, instance, run, host, pid, application, tracking_url, mode, epoch, state, reason, error, state_since,
    restarts, restarts_since_commit, revision, committed_at, positions, topic_id, topic_ends, topic_seen_at,
    stages, progress, last_error, last_error_at, started_at, heartbeat_at,
    extract(epoch FROM clock_timestamp() - heartbeat_at)::float AS silent_seconds
FROM castro.instance
WHERE (%(stream)s::text IS NULL OR stream = %(stream)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY kind, stream, state IN ('starting', 'running', 'restarting')
    AND heartbeat_at > clock_timestamp() - %(silent)s * interval '1 second' DESC, started_at DESC
