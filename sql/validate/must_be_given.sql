-- The columns of a table that an INSERT must fill, with their base types, and its identity columns.
SELECT a.attname, t.typname, a.attidentity <> '' AS identity
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND (a.attidentity <> '' OR a.attnotnull AND NOT a.atthasdef)
ORDER BY a.attnum
