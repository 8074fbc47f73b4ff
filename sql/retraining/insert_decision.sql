-- Adds a decision.
INSERT INTO castro.retraining_decision (id, model, decided_at, fired, reason, words, holding, rules, blockers, evidence,
    policy_hash, training_id, channels)
VALUES (%(id)s::uuid, %(model)s, %(decided_at)s, %(fired)s, %(reason)s, %(words)s, %(holding)s::text[], %(rules)s::jsonb,
    %(blockers)s::text[], %(evidence)s::jsonb, %(policy_hash)s, %(training_id)s, %(channels)s::text[])
