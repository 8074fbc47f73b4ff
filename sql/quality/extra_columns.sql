-- Columns of a table that are not among the known ones.
SELECT attname::text FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped AND attname <> ALL(%(known)s)
ORDER BY attname
