-- Staging slots: executors COPY into them, a commit merges from them. Slots a and b are the stream's: one batch is staged
-- while the previous one commits. Slot c is for out-of-band commits (backfill, reconcile).
-- Unlogged: PostgreSQL empties them after a crash, and the commit detects that (StagingLost).
CREATE UNLOGGED TABLE {staged_events_a} (
    attempt          bigint NOT NULL,           -- of the task that copied the row; lost attempts are not merged
    source_partition int NOT NULL,
    source_offset    bigint,
    deleted          boolean NOT NULL DEFAULT false,
    kept             text[],                    -- unsent columns: the event keeps their stored values
    {event_columns}                             -- every column of the events table, all nullable
);
CREATE UNLOGGED TABLE {staged_rejects_a} (
    attempt          bigint NOT NULL,
    topic            text,                      -- null: the ledger's topic and generation
    generation       int,
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    record_timestamp timestamptz,
    key              bytea,
    value            bytea,
    value_length     bigint,
    value_sha256     bytea,
    reason           text NOT NULL,
    detail           text
);
CREATE UNLOGGED TABLE {staged_events_b} (LIKE {staged_events_a} INCLUDING DEFAULTS);
CREATE UNLOGGED TABLE {staged_rejects_b} (LIKE {staged_rejects_a});
CREATE UNLOGGED TABLE {staged_events_c} (LIKE {staged_events_a} INCLUDING DEFAULTS);
CREATE UNLOGGED TABLE {staged_rejects_c} (LIKE {staged_rejects_a});
