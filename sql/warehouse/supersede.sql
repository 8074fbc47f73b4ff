-- Of keys with several rows: counts the rows that are not the newest, and the keys with several newest rows (the same time,
-- different contents). Deletes the former, unless there are more than `limit`. The newest is chosen as in upsert.sql. The
-- names of our own stand beside those of the mapping's columns.
WITH repeated AS MATERIALIZED (
    -- By sorting. GROUP BY would hash: a table just filled has no statistics, and its keys do not fit into memory.
    SELECT {key} FROM (SELECT {key}, row_number() OVER (PARTITION BY {key}) AS castro_number FROM {loading}) AS numbered
    WHERE castro_number = 2
), ranked AS MATERIALIZED (
    SELECT ctid AS castro_row, {key},
        row_number() OVER by_contents AS castro_place,
        rank() OVER by_time AS castro_age, dense_rank() OVER by_contents AS castro_content
    FROM {loading}
    WHERE ({key}) IN (SELECT {key} FROM repeated)
    WINDOW by_time AS (PARTITION BY {key} ORDER BY {version} DESC),
        by_contents AS (PARTITION BY {key} ORDER BY {version} DESC, {columns})
), deleted AS (
    DELETE FROM {loading}
    WHERE ctid = ANY(ARRAY(SELECT castro_row FROM ranked WHERE castro_place > 1))
        AND (SELECT count(*) FROM ranked WHERE castro_place > 1) <= %(limit)s
)
SELECT count(*) FILTER (WHERE castro_place > 1),
    count(DISTINCT ({key})) FILTER (WHERE castro_age = 1 AND castro_content > 1)
FROM ranked
