-- How many processes serve commands now: those of the streams, and `commands run`.
SELECT count(DISTINCT run) AS servers FROM castro.instance
WHERE (kind = 'stream' AND mode = 'continuous' OR kind = 'commands')
    AND state IN ('starting', 'running', 'restarting') AND heartbeat_at > clock_timestamp() - %(silent)s * interval '1 second'
