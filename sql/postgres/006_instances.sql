-- Who runs each stream, how that goes, and why it ended. A row a process and stream, written by a thread of its own by the
-- database's clock; the newest ones are kept.
CREATE TABLE castro.instance (
    stream        text NOT NULL,
    instance      text NOT NULL,                -- made at the process's start
    host          text NOT NULL,
    pid           int NOT NULL,
    application   text NOT NULL,                -- Spark's application id: YARN's, for all its attempts
    mode          text NOT NULL CHECK (mode IN ('continuous', 'available_now')),
    epoch         bigint,                       -- what it claimed; null before that
    state         text NOT NULL CHECK (state IN ('starting', 'running', 'restarting', 'stopped', 'done', 'failed')),
    reason        text,                         -- of restarting and failed: by name
    error         text,                         -- and in words
    state_since   timestamptz NOT NULL,
    restarts      bigint NOT NULL DEFAULT 0,    -- since the process began
    restarts_since_commit bigint NOT NULL DEFAULT 0,
    revision      bigint,                       -- the last commit
    committed_at  timestamptz,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, instance)
) WITH (fillfactor = 50);                       -- a heartbeat is an update that touches no index

-- What people and programs ask of what runs. Whoever carries one out takes it under a lease, so that what died with it in
-- hand is taken again; what nobody took by its expiry is never carried out.
CREATE TABLE castro.command (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action       text NOT NULL,                 -- stop
    arguments    jsonb NOT NULL DEFAULT jsonb_build_object(),
    stream       text,                          -- whose; null: of no stream
    target_epoch bigint,                        -- of the writer it is meant for; null: whoever runs
    application  text,                          -- a stop holds for later attempts of this application of YARN's
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'done', 'failed', 'expired')),
    taken_by     text,                          -- the instance that carries it out
    lease_until  timestamptz,
    result       text,                          -- in words
    ended_at     timestamptz
);
CREATE INDEX command_open ON castro.command (stream) WHERE state IN ('waiting', 'taken');
CREATE INDEX command_of_application ON castro.command (application, stream) WHERE application IS NOT NULL;
