-- The model's newest decisions, and of some of them only those after a moment.
SELECT id, decided_at, fired, reason, words, holding, rules, blockers, policy_hash, channels
FROM castro.retraining_decision
WHERE model = %(model)s AND (%(after)s::timestamptz IS NULL OR decided_at > %(after)s)
ORDER BY decided_at DESC LIMIT %(most)s
