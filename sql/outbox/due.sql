-- The channels with messages that are due, and how many.
SELECT channel, count(*) FROM castro.outbox
WHERE state = 'pending' AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
GROUP BY channel
