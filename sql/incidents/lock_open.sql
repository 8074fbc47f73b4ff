-- Locks the open incidents of the given checks and subjects, and those whose mute is over and kept something back. All
-- callers lock in the same order.
SELECT {columns} FROM castro.incident
WHERE ended_at IS NULL AND (check_name, subject) IN (
        SELECT c, s FROM unnest(%(checks)s::text[], %(subjects)s::text[]) AS wanted (c, s)
    )
    OR kept_back IS NOT NULL AND muted_until <= clock_timestamp()
ORDER BY check_name, subject, id
FOR UPDATE
