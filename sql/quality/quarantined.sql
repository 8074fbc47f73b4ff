-- The books of a window: records for the stream (without skipped ones and gaps), and how many were quarantined.
SELECT coalesce(sum(to_offset - from_offset - skipped - gaps), 0)::bigint, coalesce(sum(quarantined), 0)::bigint
FROM castro.batch_books
WHERE stream = %(stream)s AND committed_at > now() - %(window)s
