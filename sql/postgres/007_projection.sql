-- How Redis follows each stream: what it holds, who writes it, and what is wrong if it does not get on.
CREATE TABLE castro.projection (
    stream             text PRIMARY KEY,
    projector          text,                        -- which process projects, for people
    alive_at           timestamptz,                 -- its last sign of life
    revision           bigint,                      -- up to which Redis held the stream when that was looked at last
    published_at       timestamptz,
    error              text,                        -- why it does not get on; null: it does
    failing_since      timestamptz,
    notes_pruned_to    bigint NOT NULL DEFAULT 0,   -- a Redis that is older may hold days that are gone: rebuild it
    rebuilds_requested int NOT NULL DEFAULT 0,
    rebuilds_done      int NOT NULL DEFAULT 0,
    rebuilt_keys       bigint NOT NULL DEFAULT 0    -- of the last rebuild
);

-- Keys to be written anew although nothing was committed: what a reconciliation found stale. Removed once written.
CREATE TABLE castro.projection_request (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream       text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('newest', 'date', 'month')),
    product_code text COLLATE "C" NOT NULL,
    first_day    date                               -- of the day or month; null for a newest event
);
