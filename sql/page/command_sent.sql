-- The command of a form, by the uuid that the form carried, and who has it. Nobody takes one that has expired, also where no
-- process is there to say so.
SELECT c.id, c.action, c.arguments, c.stream, c.result,
    CASE WHEN c.state = 'waiting' AND c.expires_at <= now() THEN 'expired' ELSE c.state END AS state,
    c.requested_at, c.expires_at, c.ended_at,
    (SELECT host || ' pid ' || pid FROM castro.instance AS i WHERE c.taken_by IN (i.run, i.instance) LIMIT 1) AS taken_by
FROM castro.command AS c WHERE request = %(request)s::uuid
