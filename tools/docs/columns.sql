-- Every column of every table: where it is in the primary key (-1: not), and the values that a check allows.
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       coalesce(array_position(i.indkey::smallint[], a.attnum), -1),
       (SELECT pg_get_constraintdef(k.oid)
        FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
        ORDER BY k.conname
        LIMIT 1)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'castro', 'castro_migrations')
ORDER BY n.nspname = 'castro', n.nspname, c.relname, a.attnum
