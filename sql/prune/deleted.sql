-- A step: the oldest notes of deletes that nothing can undo any more. A record that waits in quarantine since before a
-- delete could bring the row back when it is replayed, so its note stays as long.
DELETE FROM castro.deleted WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.deleted
    WHERE stream = %(stream)s AND deleted_at < now() - %(days)s * interval '1 day'
      AND deleted_at < coalesce(
          (SELECT min(quarantined_at) FROM castro.quarantine WHERE stream = %(stream)s AND status = 'open'), 'infinity'
      )
    ORDER BY deleted_at LIMIT %(rows)s
))
