-- Days whose volume was unusual by the last result of that day. The day of `volume` is the one before the run's.
SELECT day - 1 FROM (
    SELECT DISTINCT ON (day) day, outcome
    FROM castro.quality_result WHERE check_name = 'volume' AND subject = %(subject)s
    ORDER BY day, id DESC
) last
WHERE outcome IN ('warn', 'fail')
