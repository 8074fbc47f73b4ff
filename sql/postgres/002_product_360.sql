-- The 360° view: one row per product over the three streams. docs/features.md defines each column.
CREATE TABLE ml_product_360 (
    product_code        text COLLATE "C" PRIMARY KEY,
    as_of               date NOT NULL,          -- the local day on which the windows end
    on_hand             numeric NOT NULL,
    in_volume_7d        numeric NOT NULL,
    in_volume_30d       numeric NOT NULL,
    in_volume_90d       numeric NOT NULL,
    in_value_7d         numeric NOT NULL,
    in_value_30d        numeric NOT NULL,
    in_value_90d        numeric NOT NULL,
    out_volume_7d       numeric NOT NULL,
    out_volume_30d      numeric NOT NULL,
    out_volume_90d      numeric NOT NULL,
    out_value_7d        numeric NOT NULL,
    out_value_30d       numeric NOT NULL,
    out_value_90d       numeric NOT NULL,
    sales_volume_7d     numeric NOT NULL,
    sales_volume_30d    numeric NOT NULL,
    sales_volume_90d    numeric NOT NULL,
    sales_value_7d      numeric NOT NULL,
    sales_value_30d     numeric NOT NULL,
    sales_value_90d     numeric NOT NULL,
    purchase_volume_7d  numeric NOT NULL,
    purchase_volume_30d numeric NOT NULL,
    purchase_volume_90d numeric NOT NULL,
    purchase_value_7d   numeric NOT NULL,
    purchase_value_30d  numeric NOT NULL,
    purchase_value_90d  numeric NOT NULL,
    average_cost_90d    numeric,
    last_cost           numeric(18,6),
    average_price_90d   numeric,
    last_price          numeric(18,6),
    margin_90d          numeric,
    last_supplier       text,
    last_customer       text,
    last_purchase_at    timestamptz,
    last_sale_at        timestamptz,
    days_since_last_purchase int,
    days_since_last_sale int,
    days_of_cover       numeric,
    demand_cv_90d       numeric,
    revision            bigint NOT NULL,        -- of the last refresh that wrote the row
    updated_at          timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

-- The progress of the view's refreshes.
CREATE TABLE castro.product_360 (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision     bigint NOT NULL DEFAULT 0,     -- of the last refresh
    seen         jsonb NOT NULL DEFAULT '{{}}',   -- by stream: the revision that all rows include
    refreshed_at timestamptz
);
INSERT INTO castro.product_360 DEFAULT VALUES;
