-- Stages some repairs of the plan, except those that an earlier attempt committed (COMMIT's answer was lost).
INSERT INTO {staged_events} (attempt, source_partition, deleted, {columns})
SELECT %(attempt)s, 0, class = 'extra', {columns}
FROM {plan} p
WHERE NOT in_flight AND number BETWEEN %(first)s AND %(last)s
  AND NOT EXISTS (
      SELECT 1 FROM castro.repair r
      WHERE r.run = %(run)s AND r.stream = %(stream)s AND r.kind = 'event' AND r.key = p.event_id
  )
