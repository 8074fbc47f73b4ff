-- One step: the incidents that ended longest ago, beyond their retention, with their history.
DELETE FROM castro.incident WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.incident
    WHERE ended_at < now() - %(days)s * interval '1 day' ORDER BY ended_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
