-- The projection of each stream to Redis: published revision, projector, and the error if it fails.
CREATE TABLE castro.projection (
    stream             text PRIMARY KEY,
    projector          text,                        -- the projecting process, for people
    alive_at           timestamptz,                 -- its last heartbeat
    revision           bigint,                      -- published to Redis, as of the last successful check
    published_at       timestamptz,
    error              text,                        -- why it fails; null: it works
    failing_since      timestamptz,
    notes_pruned_to    bigint NOT NULL DEFAULT 0,   -- an older Redis may have removed days: rebuild it
    rebuilds_requested int NOT NULL DEFAULT 0,
    rebuilds_done      int NOT NULL DEFAULT 0,
    rebuilt_keys       bigint NOT NULL DEFAULT 0    -- of the last rebuild
);

-- Keys to rewrite without a commit: those that a reconciliation found stale. Removed once written.
CREATE TABLE castro.projection_request (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream       text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('newest', 'date', 'month')),
    product_code text COLLATE "C" NOT NULL,
    first_day    date                               -- the day, or the month's first; null for a newest event
);
