-- A table's indexes: name, definition from USING on, whether it is unique, the kind of its constraint.
SELECT c.relname, substr(pg_get_indexdef(c.oid), strpos(pg_get_indexdef(c.oid), ' USING ') + 1), i.indisunique, k.contype
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u')
WHERE i.indrelid = %(table)s::regclass AND i.indisvalid
ORDER BY c.relname
