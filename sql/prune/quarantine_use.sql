-- What a stream's quarantine takes: records, those that are open, and bytes of keys and values. Their lengths are read,
-- not they.
SELECT count(*), count(*) FILTER (WHERE status = 'open'),
       coalesce(sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)), 0)::bigint
FROM castro.quarantine WHERE stream = %(stream)s
