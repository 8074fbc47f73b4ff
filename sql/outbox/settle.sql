-- The result of an attempt: delivered, dead, or pending with another time. Only the holder of the lease may write it.
UPDATE castro.outbox SET state = %(state)s, error = %(error)s, lease_token = NULL, lease_until = NULL, leased_by = NULL,
    error_at = CASE WHEN %(error)s::text IS NULL THEN error_at ELSE clock_timestamp() END,
    due_at = CASE WHEN %(state)s = 'pending' THEN clock_timestamp() + %(wait)s * interval '1 second' ELSE due_at END,
    settled_at = CASE WHEN %(state)s = 'pending' THEN NULL ELSE clock_timestamp() END
WHERE id = %(id)s AND lease_token = %(token)s::uuid AND state = 'pending'
