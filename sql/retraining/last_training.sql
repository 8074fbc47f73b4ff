-- The model's last training.
SELECT id, trained_at, data_from, data_until, rows, metrics, bins, decision_id, recorded_by, recorded_at
FROM castro.training WHERE model = %(model)s ORDER BY trained_at DESC LIMIT 1
