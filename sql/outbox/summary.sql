-- The state of each channel with messages that are not delivered: pending and dead ones, and the last error.
SELECT channel, count(*) FILTER (WHERE state = 'pending') AS pending,
    min(created_at) FILTER (WHERE state = 'pending') AS oldest,
    count(*) FILTER (WHERE state = 'pending' AND error IS NOT NULL) AS failing,
    count(*) FILTER (WHERE state = 'dead') AS dead,
    (array_agg(error ORDER BY error_at DESC) FILTER (WHERE error IS NOT NULL))[1] AS error
FROM castro.outbox WHERE state IN ('pending', 'dead')
GROUP BY channel ORDER BY channel
