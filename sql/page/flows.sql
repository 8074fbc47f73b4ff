-- Each stream that ever committed: its last commit, the records that waited when its process looked last, and the records
-- that it took in the last minute.
SELECT s.stream, s.epoch, s.revision, s.updated_at AS committed_at, seen.topic_seen_at AS looked_at,
    seen.topic_id = s.topic_id AS same_topic, waiting.lag, coalesce(taken.records, 0) / 60.0::float8 AS rate
FROM castro.stream s
LEFT JOIN LATERAL (
    SELECT i.topic_id, i.topic_ends, i.topic_seen_at FROM castro.instance i
    WHERE i.stream = s.stream AND i.kind = 'stream' AND i.topic_seen_at IS NOT NULL
    ORDER BY i.topic_seen_at DESC LIMIT 1
) seen ON true
LEFT JOIN LATERAL (
    -- What is committed beyond the end as last seen is no lag.
    SELECT sum(greatest(ends.value::bigint - coalesce(l.next_offset, 0), 0))::bigint AS lag
    FROM jsonb_each_text(seen.topic_ends) ends
    LEFT JOIN castro.offset_ledger l ON l.stream = s.stream AND l.partition = ends.key::int
) waiting ON true
LEFT JOIN LATERAL (
    SELECT sum(b.to_offset - b.from_offset) AS records FROM castro.batch_books b
    WHERE b.stream = s.stream AND b.committed_at > now() - interval '1 minute'
) taken ON true
ORDER BY s.stream
