-- When a job last ended well, for a stream or for all: the age in seconds; null if no such run is known.
SELECT min(extract(epoch FROM now() - heartbeat_at))::float8
FROM castro.instance WHERE kind = %(job)s AND stream IN (%(stream)s, '') AND state = 'done'
