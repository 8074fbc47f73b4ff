-- Each channel with messages that are not delivered.
SELECT channel, count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'dead') AS dead,
    extract(epoch FROM min(created_at) FILTER (WHERE state = 'pending'))::float8 AS oldest
FROM castro.outbox WHERE state IN ('pending', 'dead') GROUP BY channel ORDER BY channel
