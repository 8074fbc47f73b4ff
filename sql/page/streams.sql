-- Each stream that ever committed: its ledger, what Redis has of it, and its open records in quarantine.
SELECT s.stream, s.topic, s.topic_id, s.generation, s.epoch, s.writer, s.revision, s.updated_at, s.kinds, s.warehouse_kinds,
    s.ids_changed, p.revision AS published, p.published_at, p.projector, p.alive_at, p.error, p.failing_since,
    (SELECT count(*) FROM castro.quarantine AS q WHERE q.status = 'open' AND q.stream = s.stream) AS quarantined
FROM castro.stream AS s LEFT JOIN castro.projection AS p USING (stream)
