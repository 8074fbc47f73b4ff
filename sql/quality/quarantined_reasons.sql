-- The reasons of records quarantined within a window, of the newest open ones, the most frequent first.
SELECT reason, coalesce(detail, ''), count(*)
FROM (
    SELECT reason, CASE WHEN reason = 'missing_field' THEN split_part(detail, ':', 1) END AS detail, quarantined_at
    FROM castro.quarantine WHERE stream = %(stream)s AND status = 'open'
    ORDER BY id DESC LIMIT %(most)s
) newest
WHERE quarantined_at > now() - %(window)s
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
