-- Adds one message per channel that has none of this cause; returns those channels.
INSERT INTO castro.outbox (kind, cause, channel, message_id, series, payload)
SELECT %(kind)s, %(cause)s, channel, %(message_id)s, %(series)s, %(payload)s::jsonb
FROM unnest(%(channels)s::text[]) AS channel
ON CONFLICT (cause, channel) DO NOTHING
RETURNING channel
