-- Starts episodes. A product's earlier episode of the rule is over: its row becomes the new one's.
INSERT INTO castro.critical (product_code, rule, episode, started_at, reason, value, started_by, seen_at)
VALUES %s
ON CONFLICT (product_code, rule) DO UPDATE SET
    episode = EXCLUDED.episode, started_at = EXCLUDED.started_at, ended_at = NULL, ended_because = NULL,
    reason = EXCLUDED.reason, value = EXCLUDED.value, started_by = EXCLUDED.started_by, seen_at = EXCLUDED.seen_at
