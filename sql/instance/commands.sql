-- Open commands, and those that ended lately, newest first. One that expired says so also before a process noticed it.
SELECT id, action, arguments, stream, requested_by, requested_at, expires_at,
    CASE WHEN state = 'waiting' AND expires_at <= clock_timestamp() THEN 'expired' ELSE state END AS state, taken_by, result, ended_at
FROM castro.command
WHERE state IN ('waiting', 'taken') OR ended_at > clock_timestamp() - %(hours)s * interval '1 hour'
ORDER BY id DESC
LIMIT 50
