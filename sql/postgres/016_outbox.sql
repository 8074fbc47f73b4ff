-- The outbox: messages for other systems, written in the transaction of their cause and delivered after its commit. One row
-- per cause and channel. Dead letters stay until an operator retries or discards them; delivered and discarded ones are
-- retained for alerts.outbox.retention_days.
CREATE TABLE castro.outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text COLLATE "C" NOT NULL,      -- incident, critical_product, retraining
    cause        text COLLATE "C" NOT NULL CHECK (octet_length(cause) BETWEEN 1 AND 1000),
    channel      text COLLATE "C" NOT NULL,
    message_id   uuid NOT NULL,                  -- derived from the cause: the same in each attempt
    series       text COLLATE "C",               -- messages of a series reach a channel in their order
    payload      jsonb NOT NULL,
    state        text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead', 'discarded')),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts     int NOT NULL DEFAULT 0,
    lease_token  uuid,                           -- of the attempt under way; only its holder may settle the row
    lease_until  timestamptz,
    leased_by    text,                           -- the process, for people
    error        text,                           -- of the last attempt
    error_at     timestamptz,
    settled_at   timestamptz,
    settled_note text,                           -- of a discarded one: who and why
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK ((state = 'pending') = (settled_at IS NULL)),
    UNIQUE (cause, channel)
) WITH (fillfactor = 70);
CREATE INDEX outbox_due ON castro.outbox (channel, due_at) WHERE state = 'pending';
CREATE INDEX outbox_series ON castro.outbox (channel, series, id) WHERE state = 'pending' AND series IS NOT NULL;
CREATE INDEX outbox_undelivered ON castro.outbox (channel, id) WHERE state IN ('pending', 'dead');
CREATE INDEX outbox_settled ON castro.outbox (state, settled_at) WHERE state <> 'pending';
