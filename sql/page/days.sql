-- A stream's events, volume and value of some days.
SELECT date, sum(transactions)::bigint AS events, sum(volume) AS volume, sum(value) AS value
FROM {daily} WHERE date = ANY(%(days)s) GROUP BY date
