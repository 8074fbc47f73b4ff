-- Only a full refresh may move the watermark back: then the source itself went back.
INSERT INTO castro.extract_watermark AS w (target, watermark, revision, mode, rows_read)
VALUES (
    %(target)s, %(watermark)s, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, %(mode)s, %(rows)s
)
ON CONFLICT (target) DO UPDATE SET
    watermark = CASE WHEN EXCLUDED.mode = 'full' THEN EXCLUDED.watermark
                     ELSE greatest(w.watermark, EXCLUDED.watermark) END,
    revision = greatest(w.revision + 1, EXCLUDED.revision),
    mode = EXCLUDED.mode, rows_read = EXCLUDED.rows_read, committed_at = now()
RETURNING watermark, revision
