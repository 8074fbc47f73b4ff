-- One step: the oldest audit rows of repairs beyond their retention.
DELETE FROM castro.repair WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.repair
    WHERE stream = %(stream)s AND repaired_at < now() - %(days)s * interval '1 day'
    ORDER BY repaired_at LIMIT %(rows)s
))
