-- Records of which a needed column was nowhere to be found leave the events; they remain among the rejects, where all
-- records with such columns were staged too. Those that are whole now leave the rejects.
WITH unfilled AS (
    DELETE FROM {staged_events}
    WHERE attempt = ANY(%(attempts)s) AND kept IS NOT NULL AND num_nulls({needed}) > 0
    RETURNING source_partition, source_offset
), whole AS (
    DELETE FROM {staged_rejects} r
    WHERE attempt = ANY(%(attempts)s) AND reason = %(reason)s
      AND NOT EXISTS (SELECT 1 FROM unfilled u WHERE (u.source_partition, u.source_offset) = (r.partition, r."offset"))
)
SELECT source_partition, count(*) FROM unfilled GROUP BY source_partition
