-- As upsert.sql chooses: the newest row of each key; rows of one time in the order of their contents.
INSERT INTO {new} ({columns})
SELECT DISTINCT ON ({key}) {columns}
FROM {staging}
WHERE attempt = ANY(%(attempts)s)
ORDER BY {key}, {version} DESC, {columns}
