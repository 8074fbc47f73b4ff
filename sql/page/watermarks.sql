-- How far each warehouse table is extracted.
SELECT target, watermark, mode, rows_read, revision, committed_at FROM castro.extract_watermark
