-- The events table for a sink that computes nothing: PostgreSQL derives the columns, from what the record has. Key, index and
-- columns are those of tables_events.sql, and beside them the record's place.
CREATE TABLE ml_inventory_realtime (
    event_id         text COLLATE "C" PRIMARY KEY,
    product_code     text COLLATE "C" NOT NULL,
    transaction_type text COLLATE "C" NOT NULL,
    quantity         numeric(18,6) NOT NULL,
    unit_cost        numeric(18,6) NOT NULL CHECK (unit_cost >= 0),
    "timestamp"      timestamptz NOT NULL,
    warehouse        text COLLATE "C" NOT NULL,
    supplier         text COLLATE "C",
    customer         text COLLATE "C",
    source_partition int NOT NULL,
    source_offset    bigint NOT NULL,
    value_total      numeric(38,12) NOT NULL GENERATED ALWAYS AS (quantity * unit_cost) STORED,
    date             date NOT NULL GENERATED ALWAYS AS (("timestamp" AT TIME ZONE 'America/Sao_Paulo')::date) STORED,
    month            smallint NOT NULL
        GENERATED ALWAYS AS (extract(month FROM "timestamp" AT TIME ZONE 'America/Sao_Paulo')::smallint) STORED,
    quarter          smallint NOT NULL
        GENERATED ALWAYS AS (extract(quarter FROM "timestamp" AT TIME ZONE 'America/Sao_Paulo')::smallint) STORED,
    day_of_week      smallint NOT NULL
        GENERATED ALWAYS AS ((extract(isodow FROM "timestamp" AT TIME ZONE 'America/Sao_Paulo') - 1)::smallint) STORED,
    is_weekend       boolean NOT NULL
        GENERATED ALWAYS AS (extract(isodow FROM "timestamp" AT TIME ZONE 'America/Sao_Paulo') >= 6) STORED,
    source_position  bytea NOT NULL GENERATED ALWAYS AS (int4send(source_partition) || int8send(source_offset)) STORED,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ml_inventory_realtime_newest ON ml_inventory_realtime (product_code, date, "timestamp", source_position);
-- The sink binds the texts of a record as texts.
CREATE CAST (text AS numeric) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS timestamptz) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS numeric) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS timestamptz) WITH INOUT AS ASSIGNMENT;
