-- A commit's own tables, once a connection: what the batch changes of each product-day, and the newest event of each
-- product that it touched.
CREATE TEMP TABLE castro_deltas (product_code text COLLATE "C", date date, {sums}) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE castro_newest (LIKE {events}, PRIMARY KEY (product_code)) ON COMMIT DELETE ROWS;
