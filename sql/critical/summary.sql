-- How far commits are evaluated, and the lasting episodes by rule. Reads the lasting episodes by their index.
SELECT greatest(s.revision - f.revision, 0), f.followed_at, l.lasting, l.started
FROM (SELECT coalesce(jsonb_object_agg(rule, number), '{{}}') AS lasting, coalesce(sum(started), 0)::bigint AS started
      FROM (SELECT rule, count(*) AS number, count(*) FILTER (WHERE started_at > now() - interval '1 day') AS started
            FROM castro.critical WHERE ended_at IS NULL GROUP BY rule ORDER BY rule) r) l
LEFT JOIN castro.critical_followed f ON f.source = %(stream)s
LEFT JOIN castro.stream s ON s.stream = %(stream)s
