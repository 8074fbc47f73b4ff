-- Old notes of what was emptied, and that they are gone: a follower that has not come so far must begin anew.
WITH pruned AS (
    DELETE FROM castro.emptied
    WHERE stream = %(stream)s AND emptied_at < now() - %(days)s * interval '1 day'
    RETURNING revision
)
INSERT INTO castro.projection AS p (stream, notes_pruned_to)
SELECT %(stream)s, max(revision) FROM pruned HAVING count(*) > 0
ON CONFLICT (stream) DO UPDATE SET notes_pruned_to = greatest(p.notes_pruned_to, EXCLUDED.notes_pruned_to)
