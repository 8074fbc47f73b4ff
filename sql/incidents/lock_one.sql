-- Locks the open incident of a check and subject.
SELECT {columns} FROM castro.incident
WHERE check_name = %(check)s AND subject = %(subject)s AND ended_at IS NULL
FOR UPDATE
