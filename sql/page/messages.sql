-- Messages of the outbox in one state, the newest first; those of one channel if it is given.
SELECT id, kind, cause, channel, state, created_at, due_at, attempts, lease_until, leased_by, error, error_at, settled_at,
    settled_note
FROM castro.outbox
WHERE state = %(state)s AND (%(channel)s::text IS NULL OR channel = %(channel)s)
    AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
