-- The schema castro: state of the jobs, shared by all streams. Not for consumers of the data.
CREATE SCHEMA castro;

-- One row per stream. Every commit locks it first and compares the epoch: it is the lock and the fence.
CREATE TABLE castro.stream (
    stream     text PRIMARY KEY,
    topic      text NOT NULL,
    topic_id   text NOT NULL,                   -- Kafka's id: a recreated topic has another one
    generation int NOT NULL DEFAULT 0,          -- of the topic; incremented when a new topic is accepted
    epoch      bigint NOT NULL,                 -- of the writer that may commit; each start claims a greater one
    writer     text NOT NULL,                   -- its host and process, for people
    revision   bigint NOT NULL DEFAULT 0,       -- counts commits; the rows and Redis hashes of a commit carry it
    kinds           text[] NOT NULL DEFAULT ARRAY[]::text[],  -- of identity (id, natural) of its streamed records
    warehouse_kinds text[] NOT NULL DEFAULT ARRAY[]::text[],  -- of identity of its warehouse rows
    ids_changed     bigint NOT NULL DEFAULT 0,     -- records whose id was sent padded or not in NFC
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The consumed offsets. A stream resumes from this ledger, not from Spark's checkpoint.
CREATE TABLE castro.offset_ledger (
    stream      text NOT NULL REFERENCES castro.stream,
    partition   int NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, partition)
);

-- The books: the outcome of every offset of a commit. The CHECK enforces that they balance, or the commit fails.
-- Rows older than streaming.books_retention_days are removed.
CREATE TABLE castro.batch_books (
    stream       text NOT NULL,
    revision     bigint NOT NULL,
    partition    int NOT NULL,
    batch_id     bigint NOT NULL,               -- Spark's; restarts at 0 with each checkpoint
    from_offset  bigint NOT NULL,
    to_offset    bigint NOT NULL,               -- exclusive
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

CREATE INDEX batch_books_age ON castro.batch_books (stream, committed_at);

-- Rejected records with their bytes. They stay until an operator replays or discards them, and then for
-- housekeeping.quarantine_closed_days.
CREATE TABLE castro.quarantine (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream           text NOT NULL,
    topic            text NOT NULL,
    generation       int NOT NULL,
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    record_timestamp timestamptz,
    key              bytea,
    value            bytea,                     -- truncated to its first 1 MiB
    value_length     bigint,                    -- of a truncated value, and its hash; null: not truncated
    value_sha256     bytea,
    reason           text NOT NULL,             -- a code of docs/data.md
    detail           text,                      -- the field, or a message
    status           text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'discarded')),
    note             text,
    quarantined_at   timestamptz NOT NULL DEFAULT now(),
    resolved_at      timestamptz,
    UNIQUE (stream, generation, partition, "offset")
);
CREATE INDEX quarantine_open ON castro.quarantine (stream, reason) WHERE status = 'open';
CREATE INDEX quarantine_closed ON castro.quarantine (stream, resolved_at) WHERE status <> 'open';

-- The last commit that touched each product, by stream: what a follower of the commits must read again.
-- One row per product, so it does not grow with time.
CREATE TABLE castro.touched (
    stream       text NOT NULL,
    product_code text COLLATE "C" NOT NULL,
    revision     bigint NOT NULL,
    PRIMARY KEY (stream, product_code)
) WITH (fillfactor = 50);                       -- updated by every commit
-- The aggregate tables must not have such an index: it would prevent HOT updates. Here it costs one entry per product and
-- commit.
CREATE INDEX touched_since ON castro.touched (stream, revision);

-- Days and months that lost their last event. Their row was removed; Redis may have a hash to remove.
-- Rows older than streaming.books_retention_days are removed.
CREATE TABLE castro.emptied (
    stream       text NOT NULL,
    period       text NOT NULL CHECK (period IN ('date', 'month')),
    product_code text COLLATE "C" NOT NULL,
    first_day    date NOT NULL,
    revision     bigint NOT NULL,               -- the commit that emptied it
    emptied_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, period, product_code, first_day)
);
CREATE INDEX emptied_age ON castro.emptied (stream, emptied_at);

-- Delete markers: deleted events with the position of the delete, so that an older record that arrives later (such as a
-- replay from quarantine) does not restore them. Retention: housekeeping.delete_notes_days.
CREATE TABLE castro.deleted (
    stream         text NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    source_position bytea NOT NULL,
    deleted_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, event_id)
);
CREATE INDEX deleted_age ON castro.deleted (stream, deleted_at);

-- Names of fields in records that are not in the declaration: schema drift of the source. `status` reports each once.
CREATE TABLE castro.unknown_field (
    stream      text NOT NULL,
    name        text NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    reported_at timestamptz,
    PRIMARY KEY (stream, name)
);

-- Counts of skipped records by kind: other tables by name ("*": names beyond the limit), tombstones, a connector's own
-- messages. `status` reports a new name once as new.
CREATE TABLE castro.skipped (
    stream      text NOT NULL,
    kind        text NOT NULL,
    name        text COLLATE "C" NOT NULL,      -- the other table's, as sent; '' for other kinds
    records     bigint NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),
    reported_at timestamptz,
    PRIMARY KEY (stream, kind, name)
);

-- The source whose changes a stream takes if the settings name none: its first change's, with that record's place.
CREATE TABLE castro.stream_source (
    stream     text PRIMARY KEY,
    server     text,                            -- null: not compared
    database   text,
    schema     text,
    generation int NOT NULL,
    partition  int NOT NULL,
    "offset"   bigint NOT NULL,
    fixed_at   timestamptz NOT NULL DEFAULT now()
);
