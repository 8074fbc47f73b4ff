-- Under the stream's lock: recomputes the rows from the current events, not from the plan. A changed row gets the commit's
-- revision, an entry for the followers of the commits, and an audit row.
WITH wrong AS MATERIALIZED (
    SELECT p.product_code, to_jsonb(t) AS before, t.product_code IS NOT NULL AS there, x.*
    FROM unnest(%(products)s::text[]) AS p (product_code)
    LEFT JOIN {aggregate} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} = %(first)s
    LEFT JOIN LATERAL (
        SELECT {sums}
        FROM {source} e
        WHERE e.product_code = p.product_code COLLATE "C" AND e.date >= %(first)s
          AND e.date < %(first)s::date + {length}
        HAVING count(*) > 0
    ) x ON true
    WHERE ({stored}) IS DISTINCT FROM ({expected})
), written AS (
    INSERT INTO {aggregate} AS t (product_code, {period}, {columns}, revision)
    SELECT product_code, %(first)s, {columns}, %(revision)s
    FROM wrong WHERE transactions IS NOT NULL
    ORDER BY product_code
    ON CONFLICT (product_code, {period}) DO UPDATE SET {replaced}, revision = EXCLUDED.revision, updated_at = now()
    RETURNING *
), removed AS (
    DELETE FROM {aggregate} t USING wrong w
    WHERE w.transactions IS NULL AND t.product_code = w.product_code COLLATE "C" AND t.{period} = %(first)s
), emptied AS (
    INSERT INTO castro.emptied (stream, period, product_code, first_day, revision)
    SELECT %(stream)s, {period_name}, product_code, %(first)s, %(revision)s FROM wrong WHERE transactions IS NULL
    ON CONFLICT (stream, period, product_code, first_day)
        DO UPDATE SET revision = EXCLUDED.revision, emptied_at = EXCLUDED.emptied_at
), touched AS (
    INSERT INTO castro.touched (stream, product_code, revision)
    SELECT %(stream)s, product_code, %(revision)s FROM wrong
    ON CONFLICT (stream, product_code) DO UPDATE SET revision = EXCLUDED.revision
), noted AS (
    INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision)
    SELECT %(run)s, %(stream)s, {kind},
           CASE WHEN NOT w.there THEN 'missing' WHEN w.transactions IS NULL THEN 'extra' ELSE 'different' END,
           %(first)s::date::text, w.product_code, w.before, to_jsonb(n), %(revision)s
    FROM wrong w
    LEFT JOIN written n ON n.product_code = w.product_code COLLATE "C"
    ORDER BY w.product_code
)
SELECT count(*) FROM wrong
