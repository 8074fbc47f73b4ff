-- The sums for features/product_360 from the daily and monthly tables: a row for each of %(products)s with any event up to
-- the day %(as_of)s, or with master data or stock levels. Reads each product's own rows, by their keys.
SELECT p.product_code,
       coalesce(balance.on_hand, 0) AS on_hand,
       {columns},
       coalesce(bought.unit_cost, moved.unit_cost) AS last_cost,
       sold.unit_price AS last_price,
       bought.supplier AS last_supplier,
       sold.customer AS last_customer,
       bought."timestamp" AS last_purchase_at,
       sold."timestamp" AS last_sale_at,
       bought.date AS last_purchase_date,
       sold.date AS last_sale_date,
       demand_squares,
       {master_columns},
       coalesce(l.minimum_stock, m.minimum_stock) AS minimum_stock,
       l.stock_level, l.stock_reserved, l.stock_as_of,
       stock.now AS stock,
       stock.now < coalesce(l.minimum_stock, m.minimum_stock) AS below_minimum
FROM unnest(%(products)s::text[]) AS p (product_code)
CROSS JOIN LATERAL (
    SELECT sum(volume - 2 * volume_out) AS on_hand  -- outgoing quantities are positive in `volume`
    FROM (
        SELECT volume, volume_out FROM ml_inventory_monthly
        WHERE product_code = p.product_code AND month < date_trunc('month', %(as_of)s::date)
        UNION ALL
        SELECT volume, volume_out FROM ml_inventory_daily
        WHERE product_code = p.product_code AND date >= date_trunc('month', %(as_of)s::date) AND date <= %(as_of)s
    ) m
) balance
CROSS JOIN LATERAL (
    SELECT {inventory} FROM ml_inventory_daily d
    WHERE d.product_code = p.product_code AND d.date > %(as_of)s::date - {longest} AND d.date <= %(as_of)s
) i
CROSS JOIN LATERAL (
    SELECT {sales}, coalesce(sum(d.volume * d.volume), 0) AS demand_squares FROM ml_sales_daily d
    WHERE d.product_code = p.product_code AND d.date > %(as_of)s::date - {longest} AND d.date <= %(as_of)s
) s
CROSS JOIN LATERAL (
    SELECT {procurement} FROM ml_procurement_daily d
    WHERE d.product_code = p.product_code AND d.date > %(as_of)s::date - {longest} AND d.date <= %(as_of)s
) b
LEFT JOIN LATERAL (
    SELECT unit_cost FROM ml_inventory_realtime e
    WHERE e.product_code = p.product_code AND e.date <= %(as_of)s
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC LIMIT 1
) moved ON true
LEFT JOIN LATERAL (
    SELECT unit_price, customer, "timestamp", date FROM ml_sales_realtime e
    WHERE e.product_code = p.product_code AND e.date <= %(as_of)s
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC LIMIT 1
) sold ON true
LEFT JOIN LATERAL (
    SELECT unit_cost, supplier, "timestamp", date FROM ml_procurement_realtime e
    WHERE e.product_code = p.product_code AND e.date <= %(as_of)s
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC LIMIT 1
) bought ON true
LEFT JOIN {master} m ON m.product_code = p.product_code
CROSS JOIN LATERAL (
    SELECT sum(minimum_stock) AS minimum_stock, sum(quantity_available) AS stock_level,
           sum(quantity_reserved) AS stock_reserved, max(as_of) AS stock_as_of
    FROM {levels} s WHERE s.product_code = p.product_code
) l
CROSS JOIN LATERAL (
    SELECT coalesce(sum(d.volume - 2 * d.volume_out), 0) AS moved FROM ml_inventory_daily d
    WHERE d.product_code = p.product_code AND d.date > l.stock_as_of AND d.date <= %(as_of)s
) since
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.stock_level IS NOT NULL THEN l.stock_level + since.moved
                WHEN moved.unit_cost IS NOT NULL THEN coalesce(balance.on_hand, 0) END AS now
) stock
WHERE moved.unit_cost IS NOT NULL OR sold.date IS NOT NULL OR bought.date IS NOT NULL
   OR m.product_code IS NOT NULL OR l.stock_level IS NOT NULL
