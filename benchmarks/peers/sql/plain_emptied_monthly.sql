-- Removes the rows that lost their last event to a correction.
DELETE FROM ml_inventory_monthly t
USING (SELECT product_code, date_trunc('month', date)::date AS month FROM deltas GROUP BY 1, 2 HAVING sum(transactions) < 0) d
WHERE t.product_code = d.product_code AND t.month = d.month AND t.transactions = 0
