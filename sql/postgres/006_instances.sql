-- Which process runs each stream, its state, and why it ended. One row per process and stream, written by a dedicated
-- thread, with the database's clock; old rows are pruned.
CREATE TABLE castro.instance (
    stream        text NOT NULL,
    instance      text NOT NULL,                -- generated at the process's start
    host          text NOT NULL,
    pid           int NOT NULL,
    application   text NOT NULL,                -- Spark's application id: YARN's, for all its attempts
    mode          text NOT NULL CHECK (mode IN ('continuous', 'available_now')),
    epoch         bigint,                       -- the claimed one; null before the claim
    state         text NOT NULL CHECK (state IN ('starting', 'running', 'restarting', 'stopped', 'done', 'failed')),
    reason        text,                         -- of restarting and failed: a name
    error         text,                         -- and its message
    state_since   timestamptz NOT NULL,
    restarts      bigint NOT NULL DEFAULT 0,    -- since the process began
    restarts_since_commit bigint NOT NULL DEFAULT 0,
    revision      bigint,                       -- the last commit
    committed_at  timestamptz,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, instance)
) WITH (fillfactor = 50);                       -- a heartbeat is an update that touches no index

-- Commands to the running streams. An instance takes one under a lease, so that another one takes it over if the instance
-- dies. A command that is not taken before it expires is never executed.
CREATE TABLE castro.command (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action       text NOT NULL,                 -- stop
    arguments    jsonb NOT NULL DEFAULT jsonb_build_object(),
    stream       text,                          -- the addressed stream, or null
    target_epoch bigint,                        -- of the addressed writer; null: any running one
    application  text,                          -- a YARN application: the stop applies to its later attempts too
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'done', 'failed', 'expired')),
    taken_by     text,                          -- the executing instance
    lease_until  timestamptz,
    result       text,                          -- a message
    ended_at     timestamptz
);
CREATE INDEX command_open ON castro.command (stream) WHERE state IN ('waiting', 'taken');
CREATE INDEX command_of_application ON castro.command (application, stream) WHERE application IS NOT NULL;
