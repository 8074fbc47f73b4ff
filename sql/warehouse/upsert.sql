-- The newest staged row of each key, unless the table holds a newer one. Rows of one time are put in order by their
-- contents, so that the same rows always give the same; against the table, what the source says now counts.
WITH newest AS (
    SELECT DISTINCT ON ({key}) {columns}
    FROM {staging}
    WHERE attempt = ANY(%(attempts)s)
    ORDER BY {key}, {version} DESC, {columns}
), written AS (
    INSERT INTO {target} AS t ({columns})
    SELECT {columns} FROM newest
    ON CONFLICT ({key}) DO UPDATE SET ({others}) = ROW({excluded}), {loaded_at} = now()
    WHERE EXCLUDED.{version} >= t.{version} AND ({held}) IS DISTINCT FROM ({excluded})
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written
