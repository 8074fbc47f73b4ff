-- Step 6 of the commit. Idempotent: a record that is already in quarantine (a replay of an open one) stays unchanged.
INSERT INTO castro.quarantine
    (stream, topic, generation, partition, "offset", record_timestamp, key, value, value_length,
     value_sha256, reason, detail)
SELECT %(stream)s, coalesce(topic, %(topic)s), coalesce(generation, %(generation)s), partition, "offset",
       record_timestamp, key, value, value_length, value_sha256, reason, detail
FROM {staged_rejects}
WHERE attempt = ANY(%(attempts)s)
ORDER BY partition, "offset"
ON CONFLICT (stream, generation, partition, "offset") DO NOTHING
