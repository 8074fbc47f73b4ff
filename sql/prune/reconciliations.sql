-- One step: the oldest results of reconciliations beyond their retention; each stream's newest stays.
DELETE FROM castro.reconciliation WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.reconciliation AS r
    WHERE stream = %(stream)s AND ended_at < now() - %(days)s * interval '1 day'
        AND EXISTS (SELECT FROM castro.reconciliation AS n WHERE n.stream = r.stream AND n.ended_at > r.ended_at)
    ORDER BY ended_at LIMIT %(rows)s
))
