-- The daily and monthly tables as the product has them, but for the revision of the commit.
CREATE TABLE ml_inventory_daily (
    product_code   text COLLATE "C" NOT NULL,
    date           date NOT NULL,
    transactions   bigint NOT NULL,
    volume         numeric NOT NULL,
    value          numeric NOT NULL,
    volume_in      numeric NOT NULL,
    volume_out     numeric NOT NULL,
    value_in       numeric NOT NULL,
    value_out      numeric NOT NULL,
    last_unit_cost numeric(18,6),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_code, date)
) WITH (fillfactor = 60);
CREATE INDEX ml_inventory_daily_by_date ON ml_inventory_daily (date);
CREATE TABLE ml_inventory_monthly (
    product_code   text COLLATE "C" NOT NULL,
    month           date NOT NULL,
    transactions   bigint NOT NULL,
    volume         numeric NOT NULL,
    value          numeric NOT NULL,
    volume_in      numeric NOT NULL,
    volume_out     numeric NOT NULL,
    value_in       numeric NOT NULL,
    value_out      numeric NOT NULL,
    last_unit_cost numeric(18,6),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_code, month)
) WITH (fillfactor = 60);
CREATE INDEX ml_inventory_monthly_by_month ON ml_inventory_monthly (month);
