-- Open incidents from a level on, the worst first.
SELECT id, check_name, subject, words FROM castro.incident
WHERE ended_at IS NULL AND level >= %(level)s ORDER BY level DESC, opened_at LIMIT 200
