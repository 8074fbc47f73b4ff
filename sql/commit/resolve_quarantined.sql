-- Closes the replayed records that were not rejected again.
UPDATE castro.quarantine q SET status = 'replayed', resolved_at = now()
WHERE id = ANY(%(ids)s)
  AND NOT EXISTS (SELECT 1 FROM {staged_rejects} r WHERE r.partition = q.partition AND r."offset" = q."offset")
RETURNING id
