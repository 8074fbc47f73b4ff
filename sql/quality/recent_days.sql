-- The newest days with events before a day, newest first. One index probe per day: not every row of a day is read.
WITH RECURSIVE days AS (
    (SELECT d.date, 1 AS number FROM {daily} d WHERE d.date < %(before)s ORDER BY d.date DESC LIMIT 1)
    UNION ALL
    SELECT older.date, days.number + 1
    FROM days CROSS JOIN LATERAL (
        SELECT d.date FROM {daily} d WHERE d.date < days.date ORDER BY d.date DESC LIMIT 1
    ) older
    WHERE days.number < %(most)s
)
SELECT date FROM days ORDER BY date DESC
