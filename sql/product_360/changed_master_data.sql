-- Products whose row differs from the master data or the stock levels, or that have no row though one of these has them.
-- Compares whole tables, once per extract that changed one of them.
SELECT coalesce(known.product_code, v.product_code)
FROM (
    SELECT product_code, {master_columns},
           coalesce(l.minimum_stock, m.minimum_stock) AS minimum_stock, stock_level, stock_reserved, stock_as_of
    FROM {master} m
    FULL JOIN (
        SELECT product_code, sum(minimum_stock) AS minimum_stock, sum(quantity_available) AS stock_level,
               sum(quantity_reserved) AS stock_reserved, max(as_of) AS stock_as_of
        FROM {levels} s GROUP BY product_code
    ) l USING (product_code)
) known
FULL JOIN ml_product_360 v USING (product_code)
WHERE v.product_code IS NULL OR ({of_known}) IS DISTINCT FROM ({of_view})
