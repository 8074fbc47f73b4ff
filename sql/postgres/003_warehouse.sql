-- Extract: the watermark of each warehouse table, one row per target. The targets and their staging tables are created
-- from the mapping in conf, not here (castro_spark/sinks/postgres/warehouse).
CREATE TABLE castro.extract_watermark (
    target       text PRIMARY KEY,
    watermark    timestamptz,                   -- the largest last_modified read; null: nothing read yet
    revision     bigint NOT NULL,               -- of the commit; the Redis hash carries it
    mode         text NOT NULL,                 -- of the last commit: incremental or full
    rows_read    bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
);
