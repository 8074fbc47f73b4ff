-- Upserts the newest staged row of each key, unless the table has a newer one. Staged rows of the same time are ordered by
-- their contents, so that the result is deterministic; at the same time as the table's row, the staged one counts.
WITH newest AS (
    SELECT DISTINCT ON ({key}) {columns}
    FROM {staging}
    WHERE attempt = ANY(%(attempts)s)
    ORDER BY {key}, {version} DESC, {columns}
), written AS (
    INSERT INTO {target} AS t ({columns})
    SELECT {columns} FROM newest
    ON CONFLICT ({key}) DO UPDATE SET ({others}) = ROW({excluded}), {loaded_at} = now()
    WHERE EXCLUDED.{version} >= t.{version} AND ({stored}) IS DISTINCT FROM ({excluded})
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written
