-- Gives dead and waiting messages up. One that is just being sent may still arrive.
UPDATE castro.outbox SET state = 'discarded', settled_at = clock_timestamp(), settled_note = %(note)s, lease_token = NULL,
    lease_until = NULL, leased_by = NULL
WHERE id = ANY(%(ids)s::bigint[]) AND state IN ('dead', 'pending')
RETURNING id
