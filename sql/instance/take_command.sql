-- Leases the oldest command that waits for any process, or whose process has died.
UPDATE castro.command SET state = 'taken', taken_by = %(instance)s, lease_until = clock_timestamp() + interval '60 seconds'
WHERE id = (
    SELECT id FROM castro.command
    WHERE action = ANY(%(actions)s) AND (state = 'waiting' AND expires_at > clock_timestamp()
        OR state = 'taken' AND lease_until < clock_timestamp())
    ORDER BY id LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, action, arguments, requested_by
