-- The last result of each check and subject, with the outcomes of the results before it, the newest first. Goes from pair to
-- pair by the index: however long the history is.
WITH RECURSIVE pair AS (
    (SELECT check_name, subject FROM castro.quality_result ORDER BY check_name, subject LIMIT 1)
    UNION ALL
    SELECT n.check_name, n.subject
    FROM pair AS p
    CROSS JOIN LATERAL (
        SELECT check_name, subject FROM castro.quality_result AS r
        WHERE (r.check_name, r.subject) > (p.check_name, p.subject)
        ORDER BY check_name, subject LIMIT 1
    ) AS n
)
SELECT pair.check_name, pair.subject, l.severity, l.outcome, l.failed, l.words, l.observed, l."limit", l.day, l.judged_at,
    ARRAY(
        SELECT outcome FROM castro.quality_result AS h
        WHERE h.check_name = pair.check_name AND h.subject = pair.subject ORDER BY h.id DESC LIMIT %(history)s
    ) AS outcomes
FROM pair
CROSS JOIN LATERAL (
    SELECT * FROM castro.quality_result AS r
    WHERE r.check_name = pair.check_name AND r.subject = pair.subject ORDER BY id DESC LIMIT 1
) AS l
WHERE l.judged_at > now() - %(days)s * interval '1 day'
ORDER BY l.failed DESC, array_position(ARRAY['error', 'fail', 'warn', 'no_data', 'pass'], l.outcome),
    pair.check_name, pair.subject
