-- The age of the oldest commit of a stream that ml_product_360 does not include; null if it includes all.
SELECT extract(epoch FROM now() - min(coalesce(
           (SELECT b.committed_at FROM castro.batch_books b
            WHERE b.stream = s.stream AND b.revision > coalesce((v.seen ->> s.stream)::bigint, 0)
            ORDER BY b.revision LIMIT 1),
           s.updated_at)))::float8 AS seconds,
       array_agg(s.stream ORDER BY s.stream) AS streams, v.refreshed_at
FROM castro.stream s CROSS JOIN castro.product_360 v
WHERE s.stream = ANY(%(streams)s) AND s.revision > coalesce((v.seen ->> s.stream)::bigint, 0)
GROUP BY v.refreshed_at
