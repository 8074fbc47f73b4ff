-- A reconciliation's working tables: the warehouse's rows of the day, and the repair plan. One reconciliation runs at a
-- time; it empties both.
CREATE UNLOGGED TABLE {reconcile_rows} (
    attempt bigint NOT NULL,                    -- of the task that copied the row
    outcome text NOT NULL,                      -- event, delete or reject
    changed timestamptz,                        -- when the warehouse's row last changed
    {event_columns}
);
CREATE INDEX ON {reconcile_rows} (event_id);
CREATE INDEX ON {reconcile_rows} (product_code) WHERE outcome = 'reject' AND event_id IS NULL;

CREATE UNLOGGED TABLE {reconcile_plan} (
    number    bigint NOT NULL,
    in_flight boolean NOT NULL,                 -- changed too late to compare: numbered apart, not repaired
    class     text NOT NULL,                    -- missing, extra or different
    confirmed boolean NOT NULL,                 -- for extra: the warehouse has a row of the event
    held_date date,                             -- the event's day in PostgreSQL
    differs   text[],                           -- the columns that differ
    {event_columns},                            -- the warehouse's values, with the repair's position
    PRIMARY KEY (in_flight, number)
);
CREATE UNIQUE INDEX ON {reconcile_plan} (event_id);
