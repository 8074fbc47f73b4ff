-- The skipped records, and whether an earlier status reported the name. Marks all names as reported.
WITH before AS (
    SELECT kind, name, records, first_seen, last_seen, reported_at IS NOT NULL AS reported
    FROM castro.skipped WHERE stream = %(stream)s
), reported AS (
    UPDATE castro.skipped SET reported_at = now() WHERE stream = %(stream)s AND reported_at IS NULL
)
SELECT kind, name, records, first_seen, last_seen, reported FROM before ORDER BY records DESC, kind, name
