-- The 360° view takes in the master data and the stock levels. docs/features.md defines each column.
ALTER TABLE ml_product_360
    ADD COLUMN description    text,
    ADD COLUMN category       text,
    ADD COLUMN product_class  text,
    ADD COLUMN critical       boolean,
    ADD COLUMN active         boolean,
    ADD COLUMN main_supplier  text,
    ADD COLUMN standard_cost  numeric,
    ADD COLUMN lead_time_days bigint,
    ADD COLUMN minimum_stock  numeric,
    ADD COLUMN stock_level    numeric,
    ADD COLUMN stock_reserved numeric,
    ADD COLUMN stock_as_of    date,
    ADD COLUMN stock          numeric,
    ADD COLUMN below_minimum  boolean;
