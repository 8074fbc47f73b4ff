-- The last extract of all tables that were ever extracted: the one that is the longest ago.
SELECT min(committed_at) AS oldest, max(committed_at) AS newest, count(*) AS tables,
    extract(epoch FROM now() - min(committed_at))::float8 AS age
FROM castro.extract_watermark
