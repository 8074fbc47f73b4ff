-- A heartbeat with the stream's state. Ages are passed in seconds, so that times are the database's even after an outage.
INSERT INTO castro.instance AS i (stream, instance, host, pid, application, tracking_url, mode, epoch, state, reason, error, state_since,
    restarts, restarts_since_commit, revision, committed_at)
VALUES (%(stream)s, %(instance)s, %(host)s, %(pid)s, %(application)s, %(tracking_url)s, %(mode)s, %(epoch)s, %(state)s, %(reason)s, %(error)s,
    clock_timestamp() - %(state_age)s * interval '1 second', %(restarts)s, %(restarts_since_commit)s, %(revision)s,
    clock_timestamp() - %(commit_age)s * interval '1 second')
ON CONFLICT (stream, instance) DO UPDATE SET
    epoch = EXCLUDED.epoch, state = EXCLUDED.state, reason = EXCLUDED.reason, error = EXCLUDED.error,
    state_since = CASE WHEN i.state = EXCLUDED.state THEN i.state_since ELSE EXCLUDED.state_since END,
    restarts = EXCLUDED.restarts, restarts_since_commit = EXCLUDED.restarts_since_commit,
    revision = EXCLUDED.revision,
    committed_at = CASE WHEN i.revision = EXCLUDED.revision THEN i.committed_at ELSE EXCLUDED.committed_at END,
    heartbeat_at = clock_timestamp()
