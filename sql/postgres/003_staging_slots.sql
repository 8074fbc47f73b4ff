-- Two slots of staging tables, typed as the events are: one batch is staged while the one before it commits.
DROP TABLE IF EXISTS {staged_events}, {staged_rejects};

CREATE UNLOGGED TABLE {staged_events_a} (
    attempt          bigint NOT NULL,           -- the task that put the rows there
    source_partition int NOT NULL,
    {event_columns}
);
CREATE UNLOGGED TABLE {staged_rejects_a} (
    attempt          bigint NOT NULL,
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    record_timestamp timestamptz,
    key              bytea,
    value            bytea,
    reason           text NOT NULL,
    detail           text
);
CREATE UNLOGGED TABLE {staged_events_b} (LIKE {staged_events_a});
CREATE UNLOGGED TABLE {staged_rejects_b} (LIKE {staged_rejects_a});
