-- The messages of a series, and whether they arrived, the newest first.
SELECT channel, state, created_at, attempts, error
FROM castro.outbox WHERE series = %(series)s ORDER BY id DESC LIMIT 12
