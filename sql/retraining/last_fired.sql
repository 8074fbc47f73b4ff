-- When the model's last decision fired, and whether a training was recorded since.
SELECT d.decided_at, EXISTS (
    SELECT FROM castro.training t WHERE t.model = d.model AND (t.decision_id = d.id OR t.recorded_at >= d.decided_at))
FROM castro.retraining_decision d WHERE d.model = %(model)s AND d.fired ORDER BY d.decided_at DESC LIMIT 1
