-- The audit: events that are not what they were. One that the stream changed since the plan was made has stayed as it was.
INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision)
SELECT %(run)s, %(stream)s, 'event', b.class, b.event_id, coalesce(e.product_code, b.held ->> 'product_code'), b.held,
       to_jsonb(e), %(revision)s
FROM castro_before b
LEFT JOIN {events} e ON e.event_id = b.event_id
WHERE to_jsonb(e) IS DISTINCT FROM b.held
ORDER BY b.event_id
