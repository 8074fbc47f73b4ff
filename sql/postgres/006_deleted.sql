-- What was deleted, and where in the source: an older record of it that comes later (a replay from quarantine, say) must
-- not bring it back. Kept as long as the books.
CREATE TABLE castro.deleted (
    stream         text NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    position_major bigint NOT NULL,
    position_minor bigint NOT NULL,
    deleted_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, event_id)
);
