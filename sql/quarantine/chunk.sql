-- The next records of a choice, in the order of their ids, up to a number and about so many bytes (at least one record).
-- Reads the lengths of all, and the contents of those only that it returns.
WITH next AS (
    SELECT id, sum(coalesce(octet_length(value), 0)) OVER (ORDER BY id) - coalesce(octet_length(value), 0) AS before
    FROM (
        SELECT id, value FROM castro.quarantine
        WHERE status = %(status)s AND id > %(after)s
            AND (%(up_to)s::bigint IS NULL OR id <= %(up_to)s)
            AND (%(reason)s::text IS NULL OR reason = %(reason)s)
            AND (%(ids)s::bigint[] = '{{}}' OR id = ANY(%(ids)s::bigint[]))
            AND (%(streams)s::text[] = '{{}}' OR stream = ANY(%(streams)s::text[]))
        ORDER BY id LIMIT %(limit)s
    ) AS chosen
)
SELECT q.id, q.stream, q.generation, q.partition, q."offset", q.record_timestamp, q.key, q.value, q.value_length,
    encode(q.value_sha256, 'hex'), q.reason, q.detail, q.status, q.quarantined_at
FROM next JOIN castro.quarantine AS q USING (id)
WHERE next.before < %(bytes)s
ORDER BY q.id
