-- One step: the oldest delete markers beyond their retention. A replay of a record that was quarantined before a delete
-- could restore the row, so the marker is retained as long as such a record is open.
DELETE FROM castro.deleted WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.deleted
    WHERE stream = %(stream)s AND deleted_at < now() - %(days)s * interval '1 day'
      AND deleted_at < coalesce(
          (SELECT min(quarantined_at) FROM castro.quarantine WHERE stream = %(stream)s AND status = 'open'), 'infinity'
      )
    ORDER BY deleted_at LIMIT %(rows)s
))
