-- The number of events of each of some days; a day without events has no row.
SELECT date, sum(transactions)::bigint FROM {daily} WHERE date = ANY(%(days)s) GROUP BY date
