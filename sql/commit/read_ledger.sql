-- A stream's state as committed, with its offsets by partition.
SELECT s.topic, s.topic_id, s.generation, s.epoch, s.writer, s.revision, s.kinds, s.warehouse_kinds,
       (SELECT json_agg(json_build_array(l.partition, l.next_offset)) FROM castro.offset_ledger l
        WHERE l.stream = s.stream)
FROM castro.stream s
WHERE s.stream = %(stream)s
