-- What the rules need of some products as of the local day %(as_of)s: each product's own rows, by their keys. Stock as in
-- product_360/sums.sql. Of issues and receipts: the greatest day from %(tested_from)s on, and median and spread of the days
-- before it that had any, if they were at least %(least_days)s.
SELECT p.product_code, m.critical, m.product_class, coalesce(l.minimum_stock, m.minimum_stock) AS minimum_stock,
       CASE WHEN l.stock_level IS NOT NULL THEN l.stock_level + (
           SELECT coalesce(sum(d.volume - 2 * d.volume_out), 0) FROM ml_inventory_daily d
           WHERE d.product_code = p.product_code AND d.date > l.stock_as_of AND d.date <= %(as_of)s
       ) ELSE (
           SELECT sum(volume - 2 * volume_out)
           FROM (
               SELECT volume, volume_out FROM ml_inventory_monthly
               WHERE product_code = p.product_code AND month < date_trunc('month', %(as_of)s::date)
               UNION ALL
               SELECT volume, volume_out FROM ml_inventory_daily
               WHERE product_code = p.product_code AND date >= date_trunc('month', %(as_of)s::date)
                 AND date <= %(as_of)s
           ) moved
       ) END AS stock,
       (
           SELECT coalesce(sum(d.volume_out), 0) FROM ml_inventory_daily d
           WHERE d.product_code = p.product_code AND d.date > %(as_of)s::date - 30 AND d.date <= %(as_of)s
       ) AS issued,
       unusual.*
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN {master} m ON m.product_code = p.product_code
CROSS JOIN LATERAL (
    SELECT sum(minimum_stock) AS minimum_stock, sum(quantity_available) AS stock_level, max(as_of) AS stock_as_of
    FROM {levels} s WHERE s.product_code = p.product_code
) l
CROSS JOIN LATERAL (
    WITH moved AS MATERIALIZED (
        SELECT flow, d.date, CASE flow WHEN 'out' THEN d.volume_out ELSE d.volume_in END AS quantity
        FROM ml_inventory_daily d CROSS JOIN (VALUES ('out'), ('in')) f (flow)
        WHERE d.product_code = p.product_code AND d.date >= %(history_from)s AND d.date <= %(as_of)s
    ), tested AS (
        SELECT flow, max(quantity) AS quantity, (array_agg(date ORDER BY quantity DESC, date DESC))[1] AS date
        FROM moved WHERE date >= %(tested_from)s AND quantity > 0 GROUP BY flow
    ), usual AS (
        SELECT flow, percentile_disc(0.5) WITHIN GROUP (ORDER BY quantity) AS median, count(*) AS days
        FROM moved WHERE date < %(tested_from)s AND quantity > 0 AND flow IN (SELECT flow FROM tested)
        GROUP BY flow HAVING count(*) >= %(least_days)s
    ), spread AS (
        SELECT flow, percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(quantity - median)) AS spread
        FROM moved JOIN usual USING (flow) WHERE date < %(tested_from)s AND quantity > 0 GROUP BY flow
    )
    SELECT array_agg(flow ORDER BY flow) AS flows, array_agg(date ORDER BY flow) AS dates,
           array_agg(quantity ORDER BY flow) AS quantities, array_agg(median ORDER BY flow) AS medians,
           array_agg(spread ORDER BY flow) AS spreads, array_agg(days ORDER BY flow) AS days
    FROM tested JOIN usual USING (flow) JOIN spread USING (flow)
) unusual
