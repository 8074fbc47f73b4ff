-- What became of the offsets that a stream has consumed within the last seconds.
SELECT count(DISTINCT revision) AS commits, coalesce(sum(to_offset - from_offset), 0) AS offsets,
    coalesce(sum(inserted), 0) AS inserted, coalesce(sum(corrected), 0) AS corrected, coalesce(sum(stale), 0) AS stale,
    coalesce(sum(deleted), 0) AS deleted, coalesce(sum(quarantined), 0) AS quarantined,
    coalesce(sum(skipped), 0) AS skipped, coalesce(sum(gaps), 0) AS gaps
FROM castro.batch_books
WHERE stream = %(stream)s AND committed_at > now() - %(seconds)s * interval '1 second'
