-- One record in quarantine, with its bytes.
SELECT id, stream, topic, generation, partition, "offset", record_timestamp, key, value, value_length,
    encode(value_sha256, 'hex') AS value_sha256, reason, detail, status, note, quarantined_at, resolved_at
FROM castro.quarantine WHERE id = %(id)s
