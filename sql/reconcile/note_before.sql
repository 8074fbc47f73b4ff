-- The events before the repair. The stream's row is locked, so they do not change in between.
INSERT INTO castro_before (event_id, class, held)
SELECT s.event_id, p.class, to_jsonb(e)
FROM {staged_events} s
JOIN {plan} p ON p.event_id = s.event_id
LEFT JOIN {events} e ON e.event_id = s.event_id
WHERE s.attempt = %(attempt)s
