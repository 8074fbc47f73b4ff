-- A stream's tables for consumers: its events, and their sums by product and day or month.
CREATE TABLE {events} (
    event_id       text COLLATE "C" PRIMARY KEY,
    {field_columns},                            -- the declared fields, in their order
    value_total    numeric(38,12) NOT NULL,     -- quantity x price, exact
    date           date NOT NULL,               -- the local business day
    month          smallint NOT NULL,
    quarter        smallint NOT NULL,
    day_of_week    smallint NOT NULL,           -- Monday = 0
    is_weekend     boolean NOT NULL,
    source_position bytea NOT NULL,             -- the greatest one of an event_id counts (parse/position)
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
-- Finds a product's newest event, overall or of a day or month, with one probe.
CREATE INDEX {events_newest} ON {events} (product_code, date, "timestamp", source_position);

-- Exact sums: numeric without precision, because a sum needs more digits than its terms.
CREATE TABLE {daily} (
    product_code text COLLATE "C" NOT NULL,
    date         date NOT NULL,
    transactions bigint NOT NULL,
    volume       numeric NOT NULL,              -- sum of quantity
    value        numeric NOT NULL,              -- sum of value_total
    {measure_columns}
    {last_price} numeric(18,6),                 -- of the day's newest event
    revision     bigint NOT NULL,               -- the last commit that wrote the row
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_code, date)
) WITH (fillfactor = 60);                       -- rows change often: room for HOT updates
CREATE INDEX {daily_by_date} ON {daily} (date);

CREATE TABLE {monthly} (
    product_code text COLLATE "C" NOT NULL,
    month        date NOT NULL,                 -- the month's first day
    transactions bigint NOT NULL,
    volume       numeric NOT NULL,
    value        numeric NOT NULL,
    {measure_columns}
    {last_price} numeric(18,6),
    revision     bigint NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_code, month)
) WITH (fillfactor = 60);
CREATE INDEX {monthly_by_month} ON {monthly} (month);
