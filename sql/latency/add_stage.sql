-- Adds what a process measured of a stage to the current interval of five minutes and to the total of all time.
INSERT INTO castro.stage_time AS s (kind, stream, stage, starts_at, buckets, seconds)
SELECT %(kind)s, %(stream)s, %(stage)s, starts_at, %(buckets)s::bigint[], %(seconds)s
FROM (VALUES (date_bin('5 minutes', now(), 'epoch')), ('-infinity')) AS i (starts_at)
ON CONFLICT (kind, stream, stage, starts_at) DO UPDATE SET
    buckets = ARRAY(SELECT a + b FROM unnest(s.buckets, EXCLUDED.buckets) WITH ORDINALITY AS u (a, b, n) ORDER BY n),
    seconds = s.seconds + EXCLUDED.seconds
