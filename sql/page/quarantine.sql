-- Records in quarantine of one status, the newest first, of the given pairs of stream and reason: the first ones of each
-- pair by the index, then the first of those, however many there are.
SELECT q.id, q.stream, q.reason, q.detail, q.partition, q."offset", q.quarantined_at, q.resolved_at, q.note,
    coalesce(q.value_length, octet_length(q.value)) AS bytes, q.value_length IS NOT NULL AS cut,
    substring(q.value FOR 200) AS beginning
FROM unnest(%(streams)s::text[], %(reasons)s::text[]) AS pair (stream, reason)
CROSS JOIN LATERAL (
    SELECT id FROM castro.quarantine AS r
    WHERE r.status = %(status)s AND r.stream = pair.stream AND r.reason = pair.reason
        AND (%(before)s::bigint IS NULL OR r.id < %(before)s)
    ORDER BY r.id DESC LIMIT %(limit)s
) AS first
JOIN castro.quarantine AS q USING (id)
ORDER BY q.id DESC LIMIT %(limit)s
