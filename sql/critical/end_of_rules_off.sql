-- Ends the episodes of rules that are off.
UPDATE castro.critical SET ended_at = now(), ended_because = 'the rule is off', seen_at = now()
WHERE ended_at IS NULL AND rule <> ALL(%(on)s)
