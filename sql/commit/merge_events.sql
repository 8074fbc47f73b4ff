-- Step 3 of the commit: merges the batch's events into the events table and computes their deltas by product and day.
-- Reads an event's old row before it writes, so that a correction subtracts the old values from the old product and day.
-- The position comparison is a parameter: staged events must be newer than stored ones, repairs at least as new.
WITH newest AS MATERIALIZED (
    SELECT DISTINCT ON (event_id) *
    FROM {staged_events}
    WHERE attempt = ANY(%(attempts)s)
    ORDER BY event_id, source_position DESC
), changed AS MATERIALIZED (
    SELECT n.*, o.event_id IS NOT NULL AS existed, {old_columns}
    FROM newest n
    LEFT JOIN {events} o ON o.event_id = n.event_id
    LEFT JOIN castro.deleted d ON d.stream = %(stream)s AND d.event_id = n.event_id
    WHERE (o.event_id IS NULL OR o.source_position {beats} n.source_position)
      AND (d.event_id IS NULL OR d.source_position {beats} n.source_position)
), inserted AS (
    INSERT INTO {events} ({columns})
    SELECT {values} FROM changed c WHERE NOT existed AND NOT deleted ORDER BY event_id
), corrected AS (
    UPDATE {events} e SET ({columns}) = ROW({values}), updated_at = now()
    FROM changed c
    WHERE c.existed AND NOT c.deleted AND e.event_id = c.event_id
), removed AS (
    DELETE FROM {events} e USING changed c WHERE c.existed AND c.deleted AND e.event_id = c.event_id
), remembered AS (
    INSERT INTO castro.deleted AS d (stream, event_id, source_position)
    SELECT %(stream)s, event_id, source_position FROM changed WHERE deleted
    ON CONFLICT (stream, event_id) DO UPDATE SET
        source_position = EXCLUDED.source_position,
        deleted_at = EXCLUDED.deleted_at
), shares AS (
    SELECT product_code, date, 1 AS transactions, quantity AS volume, value_total AS value {new_measures}
    FROM changed WHERE NOT deleted
    UNION ALL
    SELECT old_product_code, old_date, -1, -old_quantity, -old_value_total {old_measures}
    FROM changed WHERE existed
), deltas AS (
    INSERT INTO castro_deltas
    SELECT product_code, date, sum(transactions), sum(volume), sum(value) {sum_measures}
    FROM shares GROUP BY product_code, date
)
SELECT source_partition,
       count(*) FILTER (WHERE NOT existed AND NOT deleted),
       count(*) FILTER (WHERE existed AND NOT deleted),
       count(*) FILTER (WHERE existed AND deleted)
FROM changed GROUP BY source_partition
