-- The recorded trainings of a model, the newest first.
SELECT trained_at, data_from, data_until, rows, metrics, decision_id::text AS decision_id, recorded_by, recorded_at
FROM castro.training WHERE model = %(model)s ORDER BY trained_at DESC LIMIT %(limit)s
