-- The open incidents in short.
SELECT count(*), min(opened_at), count(*) FILTER (WHERE muted_until > now()),
    count(*) FILTER (WHERE level = 3 OR escalated_at IS NOT NULL AND level = 2)
FROM castro.incident WHERE ended_at IS NULL
