-- Records in quarantine by stream and reason, of one status.
SELECT stream, reason, count(*) AS records, max(id) AS newest
FROM castro.quarantine WHERE status = %(status)s
GROUP BY stream, reason ORDER BY stream, count(*) DESC, reason
