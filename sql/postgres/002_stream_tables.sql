-- The tables of one stream; the names in braces are put in for each (migrate.py).
CREATE TABLE {events} (
    event_id       text COLLATE "C" PRIMARY KEY,
    {field_columns},
    value_total    numeric(38,12) NOT NULL,
    date           date NOT NULL,               -- the local business day
    month          smallint NOT NULL,
    quarter        smallint NOT NULL,
    day_of_week    smallint NOT NULL,           -- Monday = 0
    is_weekend     boolean NOT NULL,
    position_major bigint NOT NULL,             -- the source position: of one event_id the greater pair counts
    position_minor bigint NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
-- A product's newest event, of all, of a day or of a month, by one probe however many there are.
CREATE INDEX {events_newest} ON {events} (product_code, date, "timestamp", position_major, position_minor);

CREATE TABLE {daily} (
    product_code text COLLATE "C" NOT NULL,
    date         date NOT NULL,
    transactions bigint NOT NULL,
    volume       numeric NOT NULL,
    value        numeric NOT NULL,
    {measure_columns}
    {last_price} numeric(18,6),
    revision     bigint NOT NULL,               -- the commit that wrote the row last
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_code, date)
) WITH (fillfactor = 60);                       -- rows change often: room for updates within the page
CREATE INDEX {daily_by_date} ON {daily} (date);

CREATE TABLE {monthly} (
    product_code text COLLATE "C" NOT NULL,
    month        date NOT NULL,                 -- its first day
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
