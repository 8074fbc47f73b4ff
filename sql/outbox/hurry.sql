-- The channel answers again: what failed before is due at once.
UPDATE castro.outbox SET due_at = now()
WHERE channel = %(channel)s AND state = 'pending' AND attempts > 0 AND due_at > now() AND lease_token IS NULL
