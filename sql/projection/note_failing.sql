-- A sign of life of a projector that does not get on, and why.
UPDATE castro.projection SET
    projector = %(projector)s, alive_at = clock_timestamp(),
    error = %(error)s, failing_since = coalesce(failing_since, clock_timestamp())
WHERE stream = %(stream)s
