-- Step 8 of the commit: the ledger's offsets, each with the greatest record time before it, if there is a plausible one.
INSERT INTO castro.offset_ledger AS l (stream, partition, next_offset, record_at)
SELECT %(stream)s, moved.partition, moved.next_offset, to_timestamp(moved.record_ms / 1000.0)
FROM unnest(%(partitions)s::int[], %(offsets)s::bigint[], %(record_ms)s::bigint[])
    AS moved (partition, next_offset, record_ms)
ON CONFLICT (stream, partition) DO UPDATE SET
    next_offset = EXCLUDED.next_offset,
    record_at = coalesce(EXCLUDED.record_at, l.record_at),
    updated_at = now()
