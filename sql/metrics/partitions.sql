-- Each partition: the ledger, the topic's end as the stream saw it last, and since when at most its oldest record waits.
-- Records that were produced before the stream was level with the topic, or before the newest committed one, do not wait.
WITH seen AS (
    SELECT DISTINCT ON (stream) stream, topic_ends, level_at FROM castro.instance
    WHERE kind = 'stream' AND topic_seen_at IS NOT NULL
    ORDER BY stream, topic_seen_at DESC
), ends AS (
    SELECT s.stream, e.key::int AS partition, e.value::bigint AS end_offset, (s.level_at ->> e.key)::timestamptz AS level_at
    FROM seen s, jsonb_each_text(s.topic_ends) AS e
), both_known AS (
    SELECT stream, partition, l.next_offset, l.record_at, e.end_offset, e.level_at,
        greatest(e.end_offset - coalesce(l.next_offset, 0), 0) AS waiting
    FROM castro.offset_ledger l FULL JOIN ends e USING (stream, partition)
)
SELECT stream, partition, next_offset, end_offset, extract(epoch FROM record_at)::float8 AS record_at, waiting,
    CASE WHEN waiting = 0 THEN 0
         ELSE greatest(extract(epoch FROM clock_timestamp() - greatest(record_at, level_at)), 0) END::float8 AS waits
FROM both_known ORDER BY stream, partition
