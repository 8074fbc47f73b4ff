-- The lag of Redis: the age of the oldest unpublished commit (the books have the writer's commits; for out-of-band ones the
-- stream's row has the last one's time), and the projector's reported state.
SELECT s.epoch, s.revision,
       extract(epoch FROM clock_timestamp() - coalesce(
           (SELECT b.committed_at FROM castro.batch_books b
            WHERE b.stream = s.stream AND b.revision > coalesce(%(published)s, p.revision, 0)
            ORDER BY b.revision LIMIT 1),
           s.updated_at))::float8 AS seconds,
       p.revision AS noted, p.projector,
       p.alive_at > clock_timestamp() - %(takeover)s * interval '1 second' AS alive, p.error,
       p.failing_since
FROM castro.stream s LEFT JOIN castro.projection p ON p.stream = s.stream
WHERE s.stream = %(stream)s
