-- Open records in quarantine.
SELECT stream, reason, count(*) FROM castro.quarantine WHERE status = 'open' GROUP BY stream, reason ORDER BY stream, reason
