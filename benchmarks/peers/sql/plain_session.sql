-- A session's working tables, emptied at the end of each transaction.
SET enable_hashjoin = off;      -- each join is of a batch with an index: no plan may flip as the tables grow
SET enable_mergejoin = off;
SET work_mem = '64MB';
CREATE TEMP TABLE staged (
    event_id text, product_code text, transaction_type text, quantity numeric, unit_cost numeric, "timestamp" timestamptz,
    warehouse text, supplier text, customer text, source_partition int, source_offset bigint, value_total numeric, date date,
    month smallint, quarter smallint, day_of_week smallint, is_weekend boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE deltas (
    product_code text COLLATE "C", date date, transactions bigint, volume numeric, value numeric, volume_in numeric,
    volume_out numeric, value_in numeric, value_out numeric
) ON COMMIT DELETE ROWS;
