-- The events table as the product has it, columns, key and index alike, for contestants that compute every column.
CREATE TABLE ml_inventory_realtime (
    event_id         text COLLATE "C" PRIMARY KEY,
    product_code     text COLLATE "C" NOT NULL,
    transaction_type text COLLATE "C" NOT NULL,
    quantity         numeric(18,6) NOT NULL,
    unit_cost        numeric(18,6) NOT NULL,
    "timestamp"      timestamptz NOT NULL,
    warehouse        text COLLATE "C" NOT NULL,
    supplier         text COLLATE "C",
    customer         text COLLATE "C",
    value_total      numeric(38,12) NOT NULL,
    date             date NOT NULL,
    month            smallint NOT NULL,
    quarter          smallint NOT NULL,
    day_of_week      smallint NOT NULL,
    is_weekend       boolean NOT NULL,
    source_position  bytea NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ml_inventory_realtime_newest ON ml_inventory_realtime (product_code, date, "timestamp", source_position);
