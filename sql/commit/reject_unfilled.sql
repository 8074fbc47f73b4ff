-- Records with unsent columns are staged both as events and as rejects. Those that still lack a required column are
-- removed from the events and stay rejects. Complete ones are removed from the rejects, and so are stale ones: a newer
-- record, row or delete takes precedence anyway.
WITH unfilled AS (
    DELETE FROM {staged_events} s
    WHERE attempt = ANY(%(attempts)s) AND kept IS NOT NULL AND num_nulls({required}) > 0
      AND NOT EXISTS (
          SELECT 1 FROM {staged_events} n
          WHERE n.attempt = ANY(%(attempts)s) AND n.event_id = s.event_id
            AND n.source_position > s.source_position
      )
      AND NOT EXISTS (
          SELECT 1 FROM {events} e
          WHERE e.event_id = s.event_id
            AND e.source_position >= s.source_position
      )
      AND NOT EXISTS (
          SELECT 1 FROM castro.deleted d
          WHERE d.stream = %(stream)s AND d.event_id = s.event_id
            AND d.source_position >= s.source_position
      )
    RETURNING source_partition, source_offset
), whole AS (
    DELETE FROM {staged_rejects} r
    WHERE attempt = ANY(%(attempts)s) AND reason = %(reason)s
      AND NOT EXISTS (SELECT 1 FROM unfilled u WHERE (u.source_partition, u.source_offset) = (r.partition, r."offset"))
)
SELECT source_partition, count(*) FROM unfilled GROUP BY source_partition
