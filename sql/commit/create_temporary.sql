-- A commit's temporary tables, created once per connection: the batch's deltas by product and day, and the newest event
-- of each product that it touched.
CREATE TEMP TABLE castro_deltas (product_code text COLLATE "C", date date, {sums}) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE castro_newest (LIKE {events}, PRIMARY KEY (product_code)) ON COMMIT DELETE ROWS;
