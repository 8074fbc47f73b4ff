-- The open incidents.
SELECT check_name, subject, level, coalesce(muted_until > now(), false) AS muted
FROM castro.incident WHERE ended_at IS NULL ORDER BY check_name, subject
