-- How far Redis is behind: since when the oldest commit that it lacks is there (the books tell of the writer's commits;
-- of others the stream's row tells of the last), and what the projector said of itself.
SELECT s.epoch, s.revision,
       extract(epoch FROM clock_timestamp() - coalesce(
           (SELECT b.committed_at FROM castro.batch_books b
            WHERE b.stream = s.stream AND b.revision > coalesce(%(published)s, p.revision, 0)
            ORDER BY b.revision LIMIT 1),
           s.updated_at)),
       p.revision, p.projector, p.alive_at > clock_timestamp() - %(takeover)s * interval '1 second', p.error,
       p.failing_since
FROM castro.stream s LEFT JOIN castro.projection p ON p.stream = s.stream
WHERE s.stream = %(stream)s
