-- What all movements of a product up to the end of some days sum up to (on_hand of the 360° view), and its first month.
SELECT d.day, coalesce(m.balance, 0) AS balance,
       least((SELECT min(month) FROM ml_inventory_monthly WHERE product_code = %(product)s),
             (SELECT min(month) FROM ml_sales_monthly WHERE product_code = %(product)s),
             (SELECT min(month) FROM ml_procurement_monthly WHERE product_code = %(product)s)) AS first_month
FROM unnest(%(days)s::date[]) AS d (day)
CROSS JOIN LATERAL (
    SELECT sum(volume - 2 * volume_out) AS balance  -- outgoing quantities are positive in `volume`
    FROM (
        SELECT volume, volume_out FROM ml_inventory_monthly
        WHERE product_code = %(product)s AND month < date_trunc('month', d.day)
        UNION ALL
        SELECT volume, volume_out FROM ml_inventory_daily
        WHERE product_code = %(product)s AND date >= date_trunc('month', d.day) AND date <= d.day
    ) m
) m
