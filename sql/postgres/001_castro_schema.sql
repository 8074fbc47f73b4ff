-- What the jobs themselves need. Applied once; see castro_spark/sinks/postgres/migrate.py.
CREATE SCHEMA castro;

-- One row a stream: the lock that every writer takes first, and the fence.
CREATE TABLE castro.stream (
    stream     text PRIMARY KEY,
    topic      text NOT NULL,
    topic_id   text NOT NULL,
    generation int NOT NULL DEFAULT 0,          -- counts the lives of the topic
    epoch      bigint NOT NULL,                 -- of the writer that may commit; a newer one is greater
    writer     text NOT NULL,                   -- who that is, for people
    revision   bigint NOT NULL DEFAULT 0,       -- counts commits; what Redis holds is named by it
    kinds           text[] NOT NULL DEFAULT '{}',  -- of identities (id, natural) that the stream's records have
    warehouse_kinds text[] NOT NULL DEFAULT '{}',  -- and the warehouse's rows
    ids_changed bigint NOT NULL DEFAULT 0,      -- ids that came padded, or not in Unicode's composed form
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The offsets consumed: this decides where a stream goes on, not Spark's checkpoint.
CREATE TABLE castro.offset_ledger (
    stream      text NOT NULL REFERENCES castro.stream,
    partition   int NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, partition)
);

-- The books: what became of every offset. The CHECK is the promise: no balance, no commit.
CREATE TABLE castro.batch_books (
    stream       text NOT NULL,
    revision     bigint NOT NULL,
    partition    int NOT NULL,
    batch_id     bigint NOT NULL,
    from_offset  bigint NOT NULL,
    to_offset    bigint NOT NULL,
    inserted     bigint NOT NULL CHECK (inserted >= 0),
    corrected    bigint NOT NULL CHECK (corrected >= 0),
    stale        bigint NOT NULL CHECK (stale >= 0),
    deleted      bigint NOT NULL DEFAULT 0 CHECK (deleted >= 0),
    quarantined  bigint NOT NULL CHECK (quarantined >= 0),
    skipped      bigint NOT NULL CHECK (skipped >= 0),
    gaps         bigint NOT NULL CHECK (gaps >= 0),
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, revision, partition),
    CONSTRAINT books_balance CHECK (
        to_offset - from_offset = inserted + corrected + stale + deleted + quarantined + skipped + gaps
    )
);

CREATE TABLE castro.quarantine (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream           text NOT NULL,
    topic            text NOT NULL,
    generation       int NOT NULL,
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    record_timestamp timestamptz,
    key              bytea,
    value            bytea,
    reason           text NOT NULL,
    detail           text,
    status           text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'discarded')),
    note             text,
    quarantined_at   timestamptz NOT NULL DEFAULT now(),
    resolved_at      timestamptz,
    UNIQUE (stream, generation, partition, "offset")
);
CREATE INDEX quarantine_open ON castro.quarantine (stream, reason) WHERE status = 'open';
