-- The command of a form, by the uuid that the form carried, and who has it.
SELECT c.id, c.action, c.arguments, c.stream, c.state, c.result, c.requested_at, c.expires_at, c.ended_at,
    (SELECT host || ' pid ' || pid FROM castro.instance AS i WHERE c.taken_by IN (i.run, i.instance) LIMIT 1) AS taken_by
FROM castro.command AS c WHERE request = %(request)s::uuid
