-- Compares the staged warehouse rows with the events, by event_id: what is missing, extra and different on the day. What
-- changed after the cutoff, on either side, is in flight. A repair has the stored position, of the row or of its delete
-- marker, so that a later record of the stream takes precedence and an earlier one is stale.
-- OFFSET 0 forces one index probe per row of a large table, even if fresh tables have no statistics.
WITH staged AS MATERIALIZED (
    SELECT DISTINCT ON (event_id) *
    FROM {rows}
    WHERE attempt = ANY(%(attempts)s) AND outcome <> 'reject'
    ORDER BY event_id, source_position DESC
), classified AS (
    SELECT s.event_id, s.outcome, s.changed, s.source_position AS warehouse_position, {warehouse_columns},
           e.existing,
           CASE WHEN s.outcome = 'delete' AND e.date = %(day)s THEN 'extra'
                WHEN s.outcome = 'event' AND e.event_id IS NULL AND s.date = %(day)s THEN 'missing'
                WHEN s.outcome = 'event' AND e.event_id IS NOT NULL AND %(day)s IN (s.date, e.date) THEN 'different'
           END AS class
    FROM staged s
    LEFT JOIN LATERAL (
        SELECT e AS existing, e.* FROM {events} e WHERE e.event_id = s.event_id OFFSET 0
    ) e ON true
    WHERE e.event_id IS NULL OR s.outcome = 'delete' OR ({warehouse_compared}) IS DISTINCT FROM ({stored_compared})
    UNION ALL
    SELECT e.event_id, NULL, NULL, NULL, {stored_columns}, e.existing, 'extra'
    FROM unnest(%(products)s::text[]) AS p (product_code)
    CROSS JOIN LATERAL (
        SELECT e AS existing, e.* FROM {events} e
        WHERE e.product_code = p.product_code COLLATE "C" AND e.date = %(day)s
        OFFSET 0
    ) e
    -- Events without a warehouse row; a rejected row of the warehouse counts as one.
    WHERE NOT EXISTS (SELECT 1 FROM {rows} r WHERE r.event_id = e.event_id AND r.attempt = ANY(%(attempts)s))
      AND NOT EXISTS (
          SELECT 1 FROM {rows} r
          WHERE r.outcome = 'reject' AND r.product_code = e.product_code AND r.event_id IS NULL
            AND r.attempt = ANY(%(attempts)s)
      )
), placed AS (
    SELECT j.*, coalesce(greatest(j.changed, (j.existing).updated_at, d.deleted_at) > %(cutoff)s, false) AS in_flight,
           greatest((j.existing).source_position, d.source_position, j.warehouse_position) AS source_position
    FROM classified j
    LEFT JOIN LATERAL (
        SELECT * FROM castro.deleted d WHERE d.stream = %(stream)s AND d.event_id = j.event_id OFFSET 0
    ) d ON true
    WHERE j.class IS NOT NULL
)
INSERT INTO {plan} (number, in_flight, class, confirmed, held_date, differs, event_id, {columns},
                    source_position)
SELECT row_number() OVER (PARTITION BY in_flight ORDER BY event_id), in_flight, class, outcome IS NOT NULL,
       (existing).date, CASE WHEN class = 'different' THEN array_remove(ARRAY[{differs}]::text[], NULL) END, event_id,
       {columns}, source_position
FROM placed p
