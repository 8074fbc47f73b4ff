-- The lag of each partition of a stream now, by the topic's end as its process saw it just now; nothing if that is older,
-- or the topic is another one than the ledger's. Removes the samples that are older than two days.
WITH seen AS (
    SELECT i.stream, e.key AS partition, greatest(e.value::bigint - coalesce(l.next_offset, 0), 0) AS records
    FROM castro.instance AS i
    JOIN castro.stream AS s ON s.stream = i.stream AND s.topic_id = i.topic_id
    CROSS JOIN LATERAL jsonb_each_text(i.topic_ends) AS e
    LEFT JOIN castro.offset_ledger AS l ON l.stream = i.stream AND l.partition = e.key::int
    WHERE i.stream = %(stream)s AND i.instance = %(instance)s AND i.topic_seen_at > clock_timestamp() - interval '20 seconds'
), removed AS (
    DELETE FROM castro.lag_sample
    WHERE stream = %(stream)s AND sampled_at < clock_timestamp() - interval '2 days'
)
INSERT INTO castro.lag_sample (stream, sampled_at, records, partitions)
SELECT stream, clock_timestamp(), sum(records), jsonb_object_agg(partition, records) FROM seen GROUP BY stream
ON CONFLICT DO NOTHING
