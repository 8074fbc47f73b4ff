-- A stream's greatest lag within each five minutes of the last day.
SELECT date_bin('5 minutes', sampled_at, 'epoch') AS at, max(records) AS records FROM castro.lag_sample
WHERE stream = %(stream)s AND sampled_at > now() - interval '24 hours' GROUP BY 1 ORDER BY 1
