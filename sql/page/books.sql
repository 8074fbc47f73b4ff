-- The books of a stream's commits, the newest first.
SELECT stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined,
    skipped, gaps, committed_at
FROM castro.batch_books
WHERE stream = %(stream)s
    AND (%(revision)s::bigint IS NULL OR (revision, partition) < (%(revision)s, %(partition)s))
ORDER BY revision DESC, partition DESC LIMIT %(limit)s
