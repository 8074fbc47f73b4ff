-- The last outcomes of a check of a subject, the newest first.
SELECT outcome, judged_at FROM castro.quality_result
WHERE check_name = %(check)s AND subject = %(subject)s ORDER BY id DESC LIMIT %(limit)s
