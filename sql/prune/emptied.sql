-- One step: the oldest rows of castro.emptied; records their newest revision, because a follower behind it must rebuild.
-- The final SELECT returns the removed rows, so that `rowcount` counts them.
WITH pruned AS (
    DELETE FROM castro.emptied WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM castro.emptied
        WHERE stream = %(stream)s AND emptied_at < now() - %(days)s * interval '1 day'
        ORDER BY emptied_at LIMIT %(rows)s
    ))
    RETURNING revision
), noted AS (
    INSERT INTO castro.projection AS p (stream, notes_pruned_to)
    SELECT %(stream)s, max(revision) FROM pruned HAVING count(*) > 0
    ON CONFLICT (stream) DO UPDATE SET notes_pruned_to = greatest(p.notes_pruned_to, EXCLUDED.notes_pruned_to)
)
SELECT FROM pruned
