-- The newest commits of the stream's writer: events that the books say were inserted, and events in the table that have
-- these commits' times (a transaction's rows and books have one time). Deletes since then explain a difference.
-- Only commits since the newest out-of-band one, which has no books, and only so many as have few rows.
-- OFFSET 0 keeps each lateral subquery what it is: a probe of an index.
WITH current AS (
    SELECT revision FROM castro.stream WHERE stream = %(stream)s
), newest AS (
    SELECT revision, min(committed_at) AS at, sum(inserted) AS inserted, sum(deleted) AS deleted,
           sum(to_offset - from_offset) AS offsets
    FROM castro.batch_books
    WHERE stream = %(stream)s AND revision > (SELECT revision FROM current) - %(commits)s
    GROUP BY revision
), compared AS MATERIALIZED (
    SELECT revision, at, inserted, deleted
    FROM (
        SELECT *, row_number() OVER newer AS number, sum(offsets) OVER newer AS total
        FROM newest WINDOW newer AS (ORDER BY revision DESC)
    ) ranked
    WHERE revision + number = (SELECT revision + 1 FROM current) AND total <= %(rows)s
), found AS (
    SELECT count(*) AS events
    FROM castro.touched t
    CROSS JOIN LATERAL (
        SELECT m.month FROM {monthly} m
        WHERE m.product_code = t.product_code AND m.revision >= (SELECT min(revision) FROM compared) OFFSET 0
    ) m
    CROSS JOIN LATERAL (
        SELECT d.date FROM {daily} d
        WHERE d.product_code = t.product_code AND d.date >= m.month AND d.date < (m.month + interval '1 month')::date
          AND d.revision >= (SELECT min(revision) FROM compared) OFFSET 0
    ) d
    CROSS JOIN LATERAL (
        SELECT FROM {events} e
        WHERE e.product_code = t.product_code AND e.date = d.date
          AND e.created_at = ANY(ARRAY(SELECT at FROM compared)) OFFSET 0
    ) e
    WHERE t.stream = %(stream)s AND t.revision >= (SELECT min(revision) FROM compared)
)
SELECT count(*), coalesce(sum(inserted), 0)::bigint, coalesce(sum(deleted), 0)::bigint, (SELECT events FROM found)
FROM compared
