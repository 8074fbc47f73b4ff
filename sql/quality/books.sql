-- By partition: where the ledger is, where the newest books begin and end, what they add up to, and where one does not
-- begin at the end of the one before. After a new topic was accepted, offsets begin anew.
WITH current AS (
    SELECT revision, generation FROM castro.stream WHERE stream = %(stream)s
), newest AS (
    SELECT b.*, lag(b.to_offset) OVER (PARTITION BY b.partition ORDER BY b.revision) AS before,
           row_number() OVER (PARTITION BY b.partition ORDER BY b.revision DESC) AS age
    FROM castro.batch_books b
    WHERE b.stream = %(stream)s AND b.revision > (SELECT revision FROM current) - %(revisions)s
)
SELECT l.partition, l.next_offset, extract(epoch FROM now() - l.updated_at)::float8,
       max(n.to_offset) FILTER (WHERE n.age = 1), count(n.revision),
       count(*) FILTER (WHERE n.before <> n.from_offset
           AND NOT (n.from_offset < n.before AND (SELECT generation FROM current) > 0)),
       coalesce(sum(n.to_offset - n.from_offset), 0)::bigint,
       coalesce(sum(n.inserted + n.corrected + n.stale + n.deleted + n.quarantined + n.skipped), 0)::bigint,
       coalesce(sum(n.gaps), 0)::bigint
FROM castro.offset_ledger l LEFT JOIN newest n ON n.partition = l.partition
WHERE l.stream = %(stream)s
GROUP BY l.partition, l.next_offset, l.updated_at ORDER BY l.partition
