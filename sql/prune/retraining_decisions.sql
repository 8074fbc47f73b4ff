-- One step: the oldest decisions beyond their retention. The last one that fired stays.
DELETE FROM castro.retraining_decision WHERE ctid = ANY(ARRAY(
    SELECT d.ctid FROM castro.retraining_decision d
    WHERE d.decided_at < now() - CASE WHEN d.fired THEN %(fired_days)s ELSE %(days)s END * interval '1 day'
      AND d.decided_at < now() - %(days)s * interval '1 day'
      AND d.id NOT IN (SELECT f.id FROM castro.retraining_decision f
                       WHERE f.model = d.model AND f.fired ORDER BY f.decided_at DESC LIMIT 1)
    ORDER BY d.decided_at LIMIT %(rows)s
))
