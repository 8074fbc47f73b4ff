-- One step: the oldest intervals of a stream's latencies beyond their retention. The totals stay.
DELETE FROM castro.latency WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.latency
    WHERE stream = %(stream)s AND starts_at > '-infinity' AND starts_at < now() - %(days)s * interval '1 day'
    ORDER BY starts_at LIMIT %(rows)s
))
