-- Messages, the oldest first.
SELECT id, kind, cause, channel, message_id::text, state, created_at, due_at, attempts, lease_until, leased_by, error,
    error_at, settled_at, settled_note, payload
FROM castro.outbox
WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(channel)s::text IS NULL OR channel = %(channel)s)
ORDER BY id LIMIT %(limit)s
