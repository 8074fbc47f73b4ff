-- The reconciliation that ended well last.
SELECT max(heartbeat_at) AS at, extract(epoch FROM now() - max(heartbeat_at))::float8 AS age
FROM castro.instance WHERE kind = 'reconcile' AND state = 'done'
