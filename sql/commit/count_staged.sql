-- The staged rows of a batch's attempts, to compare with its tasks' counts.
SELECT (SELECT count(*) FROM {staged_events} WHERE attempt = ANY(%(attempts)s)),
       (SELECT count(*) FROM {staged_rejects} WHERE attempt = ANY(%(attempts)s))
