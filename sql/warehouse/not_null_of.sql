-- The names of a table's NOT NULL constraints that begin with its own; none before PostgreSQL 18.
SELECT n.conname FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
WHERE c.oid = %(table)s::regclass AND n.contype = 'n' AND starts_with(n.conname, c.relname)
