-- One step: the oldest results of quality checks beyond their retention.
DELETE FROM castro.quality_result WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.quality_result
    WHERE judged_at < now() - %(days)s * interval '1 day'
    ORDER BY judged_at LIMIT %(rows)s
))
