-- Adds a training.
INSERT INTO castro.training (model, trained_at, data_from, data_until, rows, metrics, bins, decision_id, recorded_by,
    recorded_at)
VALUES (%(model)s, %(trained_at)s, %(data_from)s, %(data_until)s, %(rows)s, %(metrics)s::jsonb, %(bins)s::jsonb,
    %(decision_id)s::uuid, %(recorded_by)s, clock_timestamp())
