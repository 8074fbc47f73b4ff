-- What the rules need of some products as of the local day %(as_of)s: each product's own rows, by their keys. Stock as in
-- product_360/sums.sql. Of issues and receipts: the greatest day from %(tested_from)s on, and median and spread of the days
-- before it that had any, if they were at least %(least_days)s, and if it is at least %(least_times)s times the median.
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
    SELECT array_agg(flow ORDER BY flow) AS flows, array_agg(tested.date ORDER BY flow) AS dates,
           array_agg(tested.quantity ORDER BY flow) AS quantities, array_agg(usual.median ORDER BY flow) AS medians,
           array_agg(around.spread ORDER BY flow) AS spreads, array_agg(counted.days ORDER BY flow) AS days
    FROM (VALUES ('out'), ('in')) f (flow)
    CROSS JOIN LATERAL (
        SELECT d.date, v.quantity
        FROM ml_inventory_daily d
        CROSS JOIN LATERAL (SELECT CASE flow WHEN 'out' THEN d.volume_out ELSE d.volume_in END AS quantity) v
        WHERE d.product_code = p.product_code AND d.date >= %(tested_from)s AND d.date <= %(as_of)s AND v.quantity > 0
        ORDER BY v.quantity DESC, d.date DESC LIMIT 1
    ) tested
    CROSS JOIN LATERAL (
        -- The median is at most a number if half of the quantities are: without this count each product's days were sorted.
        SELECT count(*) AS days, count(*) FILTER (WHERE v.quantity * %(least_times)s <= tested.quantity) AS low
        FROM ml_inventory_daily d
        CROSS JOIN LATERAL (SELECT CASE flow WHEN 'out' THEN d.volume_out ELSE d.volume_in END AS quantity) v
        WHERE d.product_code = p.product_code AND d.date >= %(history_from)s AND d.date < %(tested_from)s
          AND v.quantity > 0
    ) counted
    CROSS JOIN LATERAL (
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY v.quantity) AS median
        FROM ml_inventory_daily d
        CROSS JOIN LATERAL (SELECT CASE flow WHEN 'out' THEN d.volume_out ELSE d.volume_in END AS quantity) v
        WHERE counted.days >= %(least_days)s AND 2 * counted.low >= counted.days
          AND d.product_code = p.product_code AND d.date >= %(history_from)s AND d.date < %(tested_from)s
          AND v.quantity > 0
    ) usual
    CROSS JOIN LATERAL (
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(v.quantity - usual.median)) AS spread
        FROM ml_inventory_daily d
        CROSS JOIN LATERAL (SELECT CASE flow WHEN 'out' THEN d.volume_out ELSE d.volume_in END AS quantity) v
        WHERE usual.median IS NOT NULL
          AND d.product_code = p.product_code AND d.date >= %(history_from)s AND d.date < %(tested_from)s
          AND v.quantity > 0
    ) around
    WHERE around.spread IS NOT NULL
) unusual
