-- The audit: events that the repair changed. An event that the stream changed since the plan was not repaired.
INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision)
SELECT %(run)s, %(stream)s, 'event', b.class, b.event_id, coalesce(e.product_code, b.held ->> 'product_code'), b.held,
       to_jsonb(e), %(revision)s
FROM castro_before b
LEFT JOIN {events} e ON e.event_id = b.event_id
WHERE to_jsonb(e) IS DISTINCT FROM b.held
ORDER BY b.event_id
