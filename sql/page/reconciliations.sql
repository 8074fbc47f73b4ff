-- Reconciliations, the newest first; those of one stream if it is given. Their differences by kind and class are in `result`.
SELECT run, stream, day, applied, problem, result - 'examples' AS result, ended_at
FROM castro.reconciliation
WHERE (%(stream)s::text IS NULL OR stream = %(stream)s) AND (%(before)s::timestamptz IS NULL OR ended_at < %(before)s)
ORDER BY ended_at DESC LIMIT %(limit)s
