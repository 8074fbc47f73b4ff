-- Takes the oldest commits up to a published revision out of those whose latencies are not counted.
DELETE FROM castro.uncounted WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.uncounted
    WHERE stream = %(stream)s AND revision <= %(revision)s
    ORDER BY revision LIMIT %(most)s
    FOR UPDATE
))
RETURNING revision, committed_ms, produced_ms, records, untimed, in_postgres
