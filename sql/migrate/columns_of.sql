-- The columns of existing tables. `must_be_given`: an INSERT without the column fails.
SELECT t.name, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS must_be_given
FROM unnest(%(tables)s) AS t (name)
JOIN pg_attribute a ON a.attrelid = to_regclass(t.name) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY t.name, a.attnum
