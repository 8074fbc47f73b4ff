-- One step: the oldest books beyond their retention.
DELETE FROM castro.batch_books WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.batch_books
    WHERE stream = %(stream)s AND committed_at < now() - %(days)s * interval '1 day'
    ORDER BY committed_at LIMIT %(rows)s
))
