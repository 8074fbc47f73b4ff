-- One step: the records that were replayed or discarded longest ago, beyond their retention.
DELETE FROM castro.quarantine WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.quarantine
    WHERE stream = %(stream)s AND status <> 'open' AND resolved_at < now() - %(days)s * interval '1 day'
    ORDER BY resolved_at LIMIT %(rows)s
))
