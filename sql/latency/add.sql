-- Adds counts to the interval of five minutes in which the commits, or their publication, were, and to the total of all time.
INSERT INTO castro.latency AS l (stream, sink, starts_at, buckets, seconds, ahead, late, untimed)
SELECT %(stream)s, %(sink)s, starts_at, %(buckets)s::bigint[], %(seconds)s, %(ahead)s, %(late)s, %(untimed)s
FROM (VALUES (date_bin('5 minutes', to_timestamp(%(at)s), 'epoch')), ('-infinity')) AS i (starts_at)
ON CONFLICT (stream, sink, starts_at) DO UPDATE SET
    buckets = ARRAY(SELECT a + b FROM unnest(l.buckets, EXCLUDED.buckets) WITH ORDINALITY AS u (a, b, n) ORDER BY n),
    seconds = l.seconds + EXCLUDED.seconds, ahead = l.ahead + EXCLUDED.ahead, late = l.late + EXCLUDED.late,
    untimed = l.untimed + EXCLUDED.untimed
