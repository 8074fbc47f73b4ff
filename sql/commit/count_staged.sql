-- What lies in a slot for a batch, to be compared with what its tasks counted.
SELECT (SELECT count(*) FROM {staged_events} WHERE attempt = ANY(%(attempts)s)),
       (SELECT count(*) FROM {staged_rejects} WHERE attempt = ANY(%(attempts)s))
