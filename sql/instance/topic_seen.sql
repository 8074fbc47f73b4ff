-- A stream's topic as its query saw it last: its id, its end by partition, and how long ago that was.
SELECT topic_id, topic_ends, topic_seen_at, extract(epoch FROM clock_timestamp() - topic_seen_at)::float AS age_seconds
FROM castro.instance
WHERE stream = %(stream)s AND kind = 'stream' AND topic_seen_at IS NOT NULL
ORDER BY topic_seen_at DESC
LIMIT 1
