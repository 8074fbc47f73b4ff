-- The newest row of each key, as in upsert.sql; rows of the same time are ordered by their contents.
INSERT INTO {new} ({columns})
SELECT DISTINCT ON ({key}) {columns}
FROM {loading}
ORDER BY {key}, {version} DESC, {columns}
