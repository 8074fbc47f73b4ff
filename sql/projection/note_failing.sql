-- A heartbeat of a failing projector, with the error.
UPDATE castro.projection SET
    projector = %(projector)s, alive_at = clock_timestamp(),
    error = %(error)s, failing_since = coalesce(failing_since, clock_timestamp())
WHERE stream = %(stream)s
