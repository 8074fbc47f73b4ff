-- Deletes a part's old rows, except the newest and those of instances that may still run.
DELETE FROM castro.instance
WHERE stream = %(stream)s AND kind = %(kind)s AND (stream, instance) IN (
    SELECT stream, instance FROM castro.instance WHERE stream = %(stream)s AND kind = %(kind)s
    ORDER BY started_at DESC OFFSET %(keep)s)
AND (state IN ('stopped', 'done', 'failed') OR heartbeat_at < clock_timestamp() - interval '1 day')
