-- The results of one check of one subject, the newest first.
SELECT id, severity, outcome, failed, words, observed, "limit", evidence, day, judged_at
FROM castro.quality_result
WHERE check_name = %(check)s AND subject = %(subject)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
