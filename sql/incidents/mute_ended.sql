-- Moves the mutes that ended incidents of a check and subject hand on to new ones.
UPDATE castro.incident SET muted_until = %(until)s
WHERE check_name = %(check)s AND subject = %(subject)s AND ended_at IS NOT NULL AND muted_until > clock_timestamp()
