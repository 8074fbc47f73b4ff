-- When each job last ended well, and when it last failed.
SELECT kind, stream, extract(epoch FROM max(heartbeat_at) FILTER (WHERE state = 'done'))::float8,
    extract(epoch FROM max(heartbeat_at) FILTER (WHERE state = 'failed'))::float8
FROM castro.instance WHERE mode = 'once' GROUP BY kind, stream ORDER BY kind, stream
