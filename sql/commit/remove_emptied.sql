-- A correction may have moved the last event of a day or month elsewhere: then there is no such row.
DELETE FROM {aggregate} t
USING castro_deltas d
WHERE t.product_code = d.product_code AND t.{period} = {period_of_date} AND t.transactions = 0
