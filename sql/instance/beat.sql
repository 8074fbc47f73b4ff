-- A heartbeat with the part's state. Ages are passed in seconds, so that times are the database's even after an outage.
INSERT INTO castro.instance AS i (stream, instance, kind, run, host, pid, application, tracking_url, metrics_address, mode, epoch, state, reason, error,
    state_since, restarts, restarts_since_commit, revision, committed_at, positions, topic_id, topic_ends, topic_seen_at,
    level_at, stages, progress, last_error, last_error_at)
VALUES (%(stream)s, %(instance)s, %(kind)s, %(run)s, %(host)s, %(pid)s, %(application)s, %(tracking_url)s, %(metrics_address)s, %(mode)s, %(epoch)s, %(state)s,
    %(reason)s, %(error)s, clock_timestamp() - %(state_age)s * interval '1 second',
    %(restarts)s, %(restarts_since_commit)s, %(revision)s, clock_timestamp() - %(commit_age)s * interval '1 second',
    %(positions)s, %(topic_id)s, %(topic_ends)s, clock_timestamp() - %(topic_age)s * interval '1 second',
    (SELECT jsonb_object_agg(e.key, clock_timestamp() - %(topic_age)s * interval '1 second')
     FROM jsonb_each_text(%(topic_ends)s) e, castro.offset_ledger l
     WHERE %(kind)s = 'stream' AND l.stream = %(stream)s AND l.partition = e.key::int AND l.next_offset >= e.value::bigint),
    %(stages)s, %(progress)s, %(last_error)s, clock_timestamp() - %(last_error_age)s * interval '1 second')
ON CONFLICT (stream, instance) DO UPDATE SET
    epoch = EXCLUDED.epoch, state = EXCLUDED.state, reason = EXCLUDED.reason, error = EXCLUDED.error,
    state_since = CASE WHEN i.state = EXCLUDED.state THEN i.state_since ELSE EXCLUDED.state_since END,
    restarts = EXCLUDED.restarts, restarts_since_commit = EXCLUDED.restarts_since_commit,
    revision = EXCLUDED.revision,
    committed_at = CASE WHEN i.revision = EXCLUDED.revision THEN i.committed_at ELSE EXCLUDED.committed_at END,
    positions = EXCLUDED.positions, topic_id = EXCLUDED.topic_id, topic_ends = EXCLUDED.topic_ends,
    topic_seen_at = EXCLUDED.topic_seen_at, stages = EXCLUDED.stages, progress = EXCLUDED.progress,
    last_error = EXCLUDED.last_error,
    level_at = coalesce(i.level_at || EXCLUDED.level_at, EXCLUDED.level_at, i.level_at),
    last_error_at = CASE WHEN i.last_error = EXCLUDED.last_error AND abs(extract(epoch FROM i.last_error_at
        - EXCLUDED.last_error_at)) < 1 THEN i.last_error_at ELSE EXCLUDED.last_error_at END,
    heartbeat_at = clock_timestamp()
