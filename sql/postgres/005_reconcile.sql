-- Reconcile: the audit of its repairs, one row per repair, with the row before and after. Retained for
-- housekeeping.repairs_days.
CREATE TABLE castro.repair (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run          text NOT NULL,                 -- the reconciliation's id
    stream       text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('event', 'daily', 'monthly', 'redis')),
    class        text NOT NULL CHECK (class IN ('missing', 'extra', 'different', 'stale')),
    key          text NOT NULL,                 -- the event's id, the day or month, or Redis's key
    product_code text NOT NULL,
    before       jsonb,                         -- null: no row
    after        jsonb,                         -- null: the row was removed
    revision     bigint NOT NULL,               -- of the repairing commit; for a hash: of the state written
    repaired_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX repair_of_run ON castro.repair (run, stream, kind, key);
CREATE INDEX repair_of_key ON castro.repair (stream, key);
CREATE INDEX repair_age ON castro.repair (stream, repaired_at);
