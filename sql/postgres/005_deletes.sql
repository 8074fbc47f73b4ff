-- Deletes and columns whose value was not sent, as change data capture has them.
ALTER TABLE {staged_events_a}
    ADD COLUMN source_offset bigint,
    ADD COLUMN deleted boolean NOT NULL DEFAULT false,
    ADD COLUMN kept    text[];                  -- columns that keep their old value
ALTER TABLE {staged_events_b}
    ADD COLUMN source_offset bigint,
    ADD COLUMN deleted boolean NOT NULL DEFAULT false,
    ADD COLUMN kept    text[];
