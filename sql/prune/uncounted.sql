-- One step: the oldest commits that Redis does not have, once their latency would not be counted.
DELETE FROM castro.uncounted WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.uncounted
    WHERE stream = %(stream)s AND committed_ms < extract(epoch FROM now() - %(days)s * interval '1 day') * 1000
    ORDER BY revision LIMIT %(rows)s
))
