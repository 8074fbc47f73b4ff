-- Leases the channel's message that is due longest. A message waits while an older one of its series is not settled, and
-- while another process has a lease on it that is not over.
WITH due AS (
    SELECT id FROM castro.outbox AS o
    WHERE channel = %(channel)s AND state = 'pending' AND due_at <= now()
        AND (lease_until IS NULL OR lease_until < now())
        AND (series IS NULL OR NOT EXISTS (
            SELECT FROM castro.outbox AS older
            WHERE older.channel = o.channel AND older.series = o.series AND older.state = 'pending' AND older.id < o.id
        ))
    ORDER BY due_at, id LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE castro.outbox AS o SET lease_token = gen_random_uuid(), leased_by = %(who)s, attempts = attempts + 1,
    lease_until = now() + %(seconds)s * interval '1 second'
FROM due WHERE o.id = due.id
RETURNING o.id, o.lease_token::text, o.attempts, o.message_id::text, o.kind, o.cause, o.payload, o.created_at, o.series
