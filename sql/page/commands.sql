-- Commands, the newest first; as command_sent.sql has them.
SELECT c.id, c.action, c.arguments - 'value' AS arguments, c.stream, c.requested_by, c.requested_at, c.expires_at,
    CASE WHEN c.state = 'waiting' AND c.expires_at <= now() THEN 'expired' ELSE c.state END AS state, c.result, c.ended_at,
    (SELECT host || ' pid ' || pid FROM castro.instance AS i WHERE c.taken_by IN (i.run, i.instance) LIMIT 1) AS taken_by
FROM castro.command AS c
WHERE %(before)s::bigint IS NULL OR id < %(before)s
ORDER BY id DESC LIMIT %(limit)s
