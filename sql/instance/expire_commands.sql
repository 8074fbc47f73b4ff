-- Ends the commands that no process took before they expired.
UPDATE castro.command SET state = 'expired', ended_at = clock_timestamp(), result = 'no process took it before it expired'
WHERE state = 'waiting' AND expires_at < clock_timestamp()
