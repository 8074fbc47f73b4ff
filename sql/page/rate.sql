-- How many offsets a stream has consumed within the last seconds.
SELECT coalesce(sum(to_offset - from_offset), 0) AS offsets FROM castro.batch_books
WHERE stream = %(stream)s AND committed_at > now() - %(seconds)s * interval '1 second'
