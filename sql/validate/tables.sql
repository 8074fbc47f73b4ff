-- The jobs' tables with the rights that the current role lacks: those of the schema castro, and the named ones of the
-- schema of the ml_ tables. Only the staging tables are truncated.
SELECT n.nspname AS schema, c.relname AS name,
    array_remove(ARRAY[
        CASE WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
        CASE WHEN NOT has_table_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
        CASE WHEN NOT has_table_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
        CASE WHEN NOT has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END,
        CASE WHEN starts_with(c.relname, 'staged_') AND n.nspname = 'castro' AND NOT has_table_privilege(c.oid, 'TRUNCATE')
             THEN 'TRUNCATE' END
    ], NULL) AS lacking,
    pg_has_role(c.relowner, 'USAGE') AS owned
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND (n.nspname = 'castro' OR n.nspname = %(schema)s AND c.relname = ANY(%(names)s))
ORDER BY n.nspname, c.relname
