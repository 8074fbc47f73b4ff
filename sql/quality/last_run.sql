-- The results of the newest run.
SELECT judged_at, check_name, subject, outcome, words, failed
FROM castro.quality_result
WHERE run = (SELECT run FROM castro.quality_result ORDER BY id DESC LIMIT 1)
ORDER BY id
