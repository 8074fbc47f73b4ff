-- The processes that serve their metrics and are alive, with the streams that they run.
SELECT metrics_address, host, pid, run, application, array_agg(DISTINCT stream) FILTER (WHERE kind = 'stream') AS streams
FROM castro.instance
WHERE metrics_address IS NOT NULL AND state IN ('starting', 'running', 'restarting')
    AND heartbeat_at > clock_timestamp() - %(silent)s * interval '1 second'
GROUP BY metrics_address, host, pid, run, application ORDER BY metrics_address
