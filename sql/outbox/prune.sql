-- One step: the messages that were delivered or discarded longest ago, beyond their retention.
DELETE FROM castro.outbox WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.outbox
    WHERE state IN ('delivered', 'discarded') AND settled_at < now() - %(days)s * interval '1 day'
    ORDER BY settled_at LIMIT %(rows)s FOR UPDATE SKIP LOCKED
))
