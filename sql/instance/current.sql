-- The current instance of a stream: the newest with a recent heartbeat, else the newest.
SELECT instance, host, pid, application, tracking_url, mode, epoch, state, reason, error, state_since,
    restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at,
    extract(epoch FROM clock_timestamp() - heartbeat_at)::float AS silent_seconds
FROM castro.instance
WHERE stream = %(stream)s
ORDER BY state IN ('starting', 'running', 'restarting')
    AND heartbeat_at > clock_timestamp() - %(silent)s * interval '1 second' DESC, started_at DESC
LIMIT 1
