-- The archive of a stream, as the process that writes it reported last: its next offsets, the topic's id, when it last
-- appended, the age of its heartbeat, its state and its error.
SELECT positions, topic_id, progress ->> 'archived_at', extract(epoch FROM now() - heartbeat_at)::float8, state,
       coalesce(error, last_error)
FROM castro.instance
WHERE stream = %(stream)s AND kind = 'archive' AND positions IS NOT NULL
ORDER BY heartbeat_at DESC LIMIT 1
