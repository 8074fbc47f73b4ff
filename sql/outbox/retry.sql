-- Makes dead and waiting messages due now, with all their attempts before them.
UPDATE castro.outbox SET state = 'pending', attempts = 0, due_at = clock_timestamp(), settled_at = NULL
WHERE (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[])) AND (%(channel)s::text IS NULL OR channel = %(channel)s)
    AND (state = 'dead' OR state = 'pending' AND attempts > 0 AND lease_token IS NULL)
RETURNING id
