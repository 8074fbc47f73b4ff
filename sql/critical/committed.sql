-- The last commit of the stream and of each table's extract.
SELECT stream, revision, NULL::timestamptz FROM castro.stream WHERE stream = %(stream)s
UNION ALL
SELECT target, revision, committed_at FROM castro.extract_watermark WHERE target = ANY(%(tables)s)
