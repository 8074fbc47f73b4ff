-- Requests a command, once for its uuid. Neither RETURNING nor a conflict target: both would need the right to read.
INSERT INTO castro.command (request, action, arguments, stream, target_epoch, application, requested_by, expires_at)
VALUES (%(request)s::uuid, %(action)s, %(arguments)s, %(stream)s, %(epoch)s, %(application)s, %(by)s,
    clock_timestamp() + %(expires)s * interval '1 second')
ON CONFLICT DO NOTHING
