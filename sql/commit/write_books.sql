-- Step 7 of the commit: the books, a row for each partition whose offsets moved.
INSERT INTO castro.batch_books (
    stream, revision, batch_id, partition, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined,
    skipped, gaps
)
SELECT %(stream)s, %(revision)s, %(batch_id)s, b.*
FROM unnest(
    %(partition)s::int[], %(from_offset)s::bigint[], %(to_offset)s::bigint[], %(inserted)s::bigint[],
    %(corrected)s::bigint[], %(stale)s::bigint[], %(deleted)s::bigint[], %(quarantined)s::bigint[],
    %(skipped)s::bigint[], %(gaps)s::bigint[]
) b
