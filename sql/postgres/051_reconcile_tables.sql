-- What a reconciliation of this stream compares, and what it found. One runs at a time, and empties both.
CREATE UNLOGGED TABLE {reconcile_rows} (
    attempt bigint NOT NULL,                    -- the task that put the rows there
    outcome text NOT NULL,                      -- event, delete or reject
    changed timestamptz,                        -- when the warehouse's row last changed
    {event_columns}
);
CREATE INDEX ON {reconcile_rows} (event_id);
CREATE INDEX ON {reconcile_rows} (product_code) WHERE outcome = 'reject' AND event_id IS NULL;

CREATE UNLOGGED TABLE {reconcile_plan} (
    number    bigint NOT NULL,
    in_flight boolean NOT NULL,                 -- changed too late to be judged: numbered apart, and left alone
    class     text NOT NULL,                    -- missing, extra or different
    confirmed boolean NOT NULL,                 -- of an extra: the warehouse said something of it
    held_date date,                             -- the day under which PostgreSQL has it
    differs   text[],                           -- the columns that differ
    {event_columns},                            -- as the warehouse says, with the position that a repair has
    PRIMARY KEY (in_flight, number)
);
CREATE UNIQUE INDEX ON {reconcile_plan} (event_id);
