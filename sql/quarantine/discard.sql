-- One step: marks the next open records of a choice as discarded. Their bytes stay.
UPDATE castro.quarantine SET status = 'discarded', note = concat_ws(%(separator)s, note, %(note)s), resolved_at = now()
WHERE id IN (
    SELECT id FROM castro.quarantine
    WHERE status = 'open'
        AND (%(up_to)s::bigint IS NULL OR id <= %(up_to)s)
        AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        AND (%(ids)s::bigint[] = '{{}}' OR id = ANY(%(ids)s::bigint[]))
        AND (%(streams)s::text[] = '{{}}' OR stream = ANY(%(streams)s::text[]))
    ORDER BY id LIMIT %(limit)s FOR UPDATE
)
