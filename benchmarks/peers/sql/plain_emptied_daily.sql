-- Removes the rows that lost their last event to a correction.
DELETE FROM ml_inventory_daily t
USING (SELECT product_code, date AS date FROM deltas GROUP BY 1, 2 HAVING sum(transactions) < 0) d
WHERE t.product_code = d.product_code AND t.date = d.date AND t.transactions = 0
