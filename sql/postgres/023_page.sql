-- What the web page needs beside what the jobs store.

-- Whoever may only insert a command cannot read its number: it finds the command by this, and sends it once.
ALTER TABLE castro.command ADD COLUMN request uuid;
CREATE UNIQUE INDEX command_request ON castro.command (request) WHERE request IS NOT NULL;
CREATE INDEX command_newest ON castro.command (requested_at);

-- Lists records of a stream and reason by their number, and counts them.
DROP INDEX castro.quarantine_open;
CREATE INDEX quarantine_of ON castro.quarantine (status, stream, reason, id);

-- The result of each reconciliation, planned only or repaired. Retained for housekeeping.repairs_days.
CREATE TABLE castro.reconciliation (
    run        text NOT NULL,                   -- as in castro.repair
    stream     text NOT NULL,
    day        date NOT NULL,                   -- the business day
    applied    boolean NOT NULL,                -- false: planned only, or refused
    problem    text,                            -- why it is not done; null: it is
    result     jsonb NOT NULL,                  -- counts by kind and class, and the first differences of each kind
    ended_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, stream)
);
CREATE INDEX reconciliation_of ON castro.reconciliation (stream, ended_at);

-- Each partition's lag over time, for its trend. Sampled by the process that runs the stream; retained for two days.
CREATE TABLE castro.lag_sample (
    stream     text NOT NULL,
    sampled_at timestamptz NOT NULL,
    records    bigint NOT NULL,                 -- of all partitions
    partitions jsonb NOT NULL,                  -- records by partition
    PRIMARY KEY (stream, sampled_at)
);
