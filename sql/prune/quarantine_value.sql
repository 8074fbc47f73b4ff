-- One step: clears the bytes of the oldest records with bytes. Length and hash stay; a replay then needs a value file.
UPDATE castro.quarantine SET
    value = NULL, key = NULL,
    value_length = coalesce(value_length, octet_length(value)),
    value_sha256 = coalesce(value_sha256, sha256(value))
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM castro.quarantine
    WHERE stream = %(stream)s AND value IS NOT NULL
    ORDER BY id LIMIT %(rows)s
))
