-- A heartbeat with the revision published to Redis. Clears the error.
UPDATE castro.projection SET
    projector = %(projector)s, alive_at = clock_timestamp(),
    published_at = CASE WHEN revision IS DISTINCT FROM %(revision)s THEN clock_timestamp() ELSE published_at END,
    revision = %(revision)s, error = NULL, failing_since = NULL
WHERE stream = %(stream)s
