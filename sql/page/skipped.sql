-- What a stream skipped, by kind and name, the most frequent first.
SELECT kind, name, records, first_seen, last_seen FROM castro.skipped
WHERE stream = %(stream)s ORDER BY records DESC LIMIT 20
