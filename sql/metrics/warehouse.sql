-- Each warehouse table's last extract, and its watermark.
SELECT target, extract(epoch FROM committed_at)::float8, extract(epoch FROM watermark)::float8
FROM castro.extract_watermark ORDER BY target
