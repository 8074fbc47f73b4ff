-- The last result of each check and subject within some hours, and whether it failed.
SELECT check_name, subject, outcome, words, failed
FROM castro.quality_result
WHERE id = ANY(ARRAY(
    SELECT max(id) FROM castro.quality_result
    WHERE judged_at > now() - %(hours)s * interval '1 hour' GROUP BY check_name, subject
))
ORDER BY check_name, subject
