-- Each stream: its commits, and what Redis lacks of them.
SELECT s.stream, s.revision, extract(epoch FROM s.updated_at)::float8 AS committed_at,
    (SELECT extract(epoch FROM max(i.topic_seen_at))::float8 FROM castro.instance i
     WHERE i.stream = s.stream AND i.kind = 'stream') AS topic_seen_at,
    CASE WHEN u.oldest IS NULL THEN 0 ELSE greatest(u.commits, s.revision - coalesce(p.revision, 0)) END AS lag_commits,
    CASE WHEN u.oldest IS NULL THEN 0
         ELSE greatest(extract(epoch FROM clock_timestamp()) - u.oldest / 1000.0, 0) END::float8 AS lag_seconds,
    p.error IS NOT NULL AS fails
FROM castro.stream s LEFT JOIN castro.projection p ON p.stream = s.stream, LATERAL (
    SELECT count(*) AS commits, min(committed_ms) AS oldest FROM castro.uncounted WHERE stream = s.stream) AS u
WHERE s.epoch > 0
ORDER BY s.stream
