-- Adds the books of commits to the totals by outcome.
INSERT INTO castro.record_total AS t (stream, outcome, records)
SELECT b.stream, o.outcome, sum(o.records)
FROM castro.batch_books b, LATERAL (VALUES
    ('inserted', b.inserted), ('corrected', b.corrected), ('stale', b.stale), ('deleted', b.deleted),
    ('quarantined', b.quarantined), ('skipped', b.skipped), ('gaps', b.gaps)) AS o (outcome, records)
WHERE b.stream = %(stream)s AND b.revision = ANY(%(revisions)s)
GROUP BY b.stream, o.outcome
ON CONFLICT (stream, outcome) DO UPDATE SET records = t.records + EXCLUDED.records
