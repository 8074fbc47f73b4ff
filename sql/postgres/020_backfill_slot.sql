-- A third slot, for what a backfill stages beside the stream; and of which life of which topic a reject is, where that
-- is not the ledger's.
ALTER TABLE {staged_rejects_a} ADD COLUMN topic text, ADD COLUMN generation int;
ALTER TABLE {staged_rejects_b} ADD COLUMN topic text, ADD COLUMN generation int;
CREATE UNLOGGED TABLE {staged_events_c} (LIKE {staged_events_a} INCLUDING DEFAULTS);
CREATE UNLOGGED TABLE {staged_rejects_c} (LIKE {staged_rejects_a});
