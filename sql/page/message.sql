-- One message of the outbox, with what it says.
SELECT id, kind, cause, channel, message_id::text AS message_id, series, payload, state, created_at, due_at, attempts,
    lease_until, leased_by, error, error_at, settled_at, settled_note
FROM castro.outbox WHERE id = %(id)s
