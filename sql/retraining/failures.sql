-- The last result of each check and subject within some hours, and whether it failed.
SELECT DISTINCT ON (check_name, subject) check_name, subject, outcome, words, failed
FROM castro.quality_result WHERE judged_at > now() - %(hours)s * interval '1 hour'
ORDER BY check_name, subject, id DESC
