-- Extract: how far each warehouse table has been loaded, a row a target. The targets themselves and their staging tables
-- come from the mapping in conf, not from here (castro_spark/sinks/postgres/warehouse).
CREATE TABLE castro.extract_watermark (
    target       text PRIMARY KEY,
    watermark    timestamptz,                   -- the largest last_modified read; null: nothing was read yet
    revision     bigint NOT NULL,               -- of the commit; the Redis hash carries it
    mode         text NOT NULL,                 -- of the last commit: incremental or full
    rows_read    bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
);
