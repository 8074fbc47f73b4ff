-- Removes the rows that lost their last event to a correction.
DELETE FROM {aggregate} t
USING (SELECT product_code, {period_of_date} AS {period} FROM deltas GROUP BY 1, 2 HAVING sum(transactions) < 0) d
WHERE t.product_code = d.product_code AND t.{period} = d.{period} AND t.transactions = 0
