-- How long records take from their time in Kafka to PostgreSQL's commit and to Redis: counts by bucket, for each interval of
-- five minutes, and for all time (starts_at '-infinity', a counter that pruning does not lower). The bounds of the buckets
-- are castro_spark/process/histogram.BOUNDS. Retained for streaming.books_retention_days.
CREATE TABLE castro.latency (
    stream    text NOT NULL,
    sink      text NOT NULL CHECK (sink IN ('postgres', 'redis')),
    starts_at timestamptz NOT NULL,             -- of the interval in which it was committed, or became visible
    buckets   bigint[] NOT NULL CHECK (cardinality(buckets) = 25),
    seconds   double precision NOT NULL,        -- the sum of the counted ones
    ahead     bigint NOT NULL,                  -- of the counted ones: a time in the future, counted as no latency
    late      bigint NOT NULL,                  -- not counted: older than a day (a topic's history, copies with old times)
    untimed   bigint NOT NULL,                  -- not counted: no plausible time
    PRIMARY KEY (stream, sink, starts_at)
) WITH (fillfactor = 50);                       -- each commit updates two rows

-- The commits whose latencies are not in castro.latency yet: each commit adds a row, whoever publishes it to Redis counts and
-- removes it. So a latency is counted once, whatever process ends when.
CREATE TABLE castro.uncounted (
    stream       text NOT NULL,
    revision     bigint NOT NULL,
    committed_ms bigint NOT NULL,               -- Unix milliseconds
    produced_ms  bigint[] NOT NULL,             -- the records' times in Kafka: a few, and how many records have about each
    records      bigint[] NOT NULL,
    untimed      bigint NOT NULL,
    in_postgres  boolean NOT NULL DEFAULT false -- the latency to PostgreSQL is counted: Redis lags
) WITH (fillfactor = 80);
CREATE INDEX uncounted_of ON castro.uncounted (stream, revision);

-- The outcomes of a stream's records since the table was made, added up from the books: counters that pruning does not lower.
CREATE TABLE castro.record_total (
    stream  text NOT NULL,
    outcome text NOT NULL,                      -- a column of castro.batch_books
    records bigint NOT NULL,
    PRIMARY KEY (stream, outcome)
) WITH (fillfactor = 50);

-- How long the stages of the running parts' work take, as castro.latency. The heartbeat adds what its process has measured.
CREATE TABLE castro.stage_time (
    kind      text NOT NULL,                    -- of the part, as in castro.instance
    stream    text NOT NULL,
    stage     text NOT NULL,
    starts_at timestamptz NOT NULL,
    buckets   bigint[] NOT NULL CHECK (cardinality(buckets) = 25),
    seconds   double precision NOT NULL,
    PRIMARY KEY (kind, stream, stage, starts_at)
) WITH (fillfactor = 50);

-- The greatest Kafka time of the records that were committed of a partition: the lag in time is measured from it.
ALTER TABLE castro.offset_ledger ADD COLUMN record_at timestamptz;
