-- A reconciliation's working tables: the warehouse's rows of the day, and the plan. One runs at a time, and empties both.
CREATE UNLOGGED TABLE {reconcile_rows} (
    attempt bigint NOT NULL,                    -- the task that copied the row
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
    confirmed boolean NOT NULL,                 -- of an extra: the warehouse has a row of this event
    held_date date,                             -- the day under which PostgreSQL has it
    differs   text[],                           -- the columns that differ
    {event_columns},                            -- the warehouse's values, with the position that a repair has
    PRIMARY KEY (in_flight, number)
);
CREATE UNIQUE INDEX ON {reconcile_plan} (event_id);
