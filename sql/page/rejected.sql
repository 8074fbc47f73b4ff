-- Rejected records that wait for a decision: how many, and whether some are of another source. Counted up to a bound.
SELECT count(*) AS waiting, coalesce(bool_or(reason = 'other_source'), false) AS foreign
FROM (SELECT reason FROM castro.quarantine WHERE status = 'open' LIMIT 200000) open
