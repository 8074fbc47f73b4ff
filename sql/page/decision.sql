-- One decision about a retraining, with its evidence.
SELECT id::text AS id, model, decided_at, fired, reason, words, holding, rules, blockers, evidence, policy_hash, channels
FROM castro.retraining_decision WHERE id = %(id)s::uuid
