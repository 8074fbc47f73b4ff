-- The size of a stream's quarantine: records, open records, and bytes of keys and values. Reads lengths, not contents.
SELECT count(*), count(*) FILTER (WHERE status = 'open'),
       coalesce(sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)), 0)::bigint
FROM castro.quarantine WHERE stream = %(stream)s
