-- Step 6 of the commit. A record that is quarantined already (a replay of an open one) stays as it is.
INSERT INTO castro.quarantine
    (stream, topic, generation, partition, "offset", record_timestamp, key, value, value_length,
     value_sha256, reason, detail)
SELECT %(stream)s, coalesce(topic, %(topic)s), coalesce(generation, %(generation)s), partition, "offset",
       record_timestamp, key, value, value_length, value_sha256, reason, detail
FROM {staged_rejects}
WHERE attempt = ANY(%(attempts)s)
ORDER BY partition, "offset"
ON CONFLICT (stream, generation, partition, "offset") DO NOTHING
