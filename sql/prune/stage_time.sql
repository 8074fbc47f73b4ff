-- One step: the oldest intervals of the stages' times beyond their retention. The totals stay.
DELETE FROM castro.stage_time WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.stage_time
    WHERE starts_at > '-infinity' AND starts_at < now() - %(days)s * interval '1 day'
    ORDER BY starts_at LIMIT %(rows)s
))
