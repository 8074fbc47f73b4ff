-- Decisions about a retraining, the newest first; only those that fired if that is asked.
SELECT id::text AS id, decided_at, fired, reason, words, holding, blockers, channels
FROM castro.retraining_decision
WHERE model = %(model)s AND (NOT %(fired)s OR fired)
    AND (%(before)s::timestamptz IS NULL OR decided_at < %(before)s)
ORDER BY decided_at DESC LIMIT %(limit)s
