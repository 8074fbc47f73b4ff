-- Counts records that are not for the stream, by kind and name. A topic may name a new table in each record, so the
-- number of names is limited; records of all further names share one row.
WITH sent AS (
    SELECT kind, name, records,
           EXISTS (SELECT 1 FROM castro.skipped k WHERE (k.stream, k.kind, k.name) = (%(stream)s, s.kind, s.name)) AS known
    FROM unnest(%(kinds)s::text[], %(names)s::text[], %(records)s::bigint[]) AS s (kind, name, records)
), counted AS (
    SELECT kind, records,
           CASE WHEN known OR name = '' OR count(*) FILTER (WHERE NOT known) OVER (ORDER BY kind, name)
                    + (SELECT count(*) FROM castro.skipped WHERE stream = %(stream)s) <= %(most)s
                THEN name ELSE %(others)s END AS name
    FROM sent
)
INSERT INTO castro.skipped AS k (stream, kind, name, records)
SELECT %(stream)s, kind, name, sum(records) FROM counted GROUP BY kind, name
ON CONFLICT (stream, kind, name) DO UPDATE SET records = k.records + EXCLUDED.records, last_seen = EXCLUDED.last_seen
