-- Step 5 of the commit, once for the daily and once for the monthly table: add the batch's deltas.
INSERT INTO {aggregate} AS t (product_code, {period}, {sums}, {last_price}, revision)
SELECT d.product_code, d.{period}, {delta_sums}, newest.{price}, %(revision)s
FROM (
    SELECT product_code, {period_of_date} AS {period}, {total_sums}
    FROM castro_deltas d GROUP BY 1, 2
) d
LEFT JOIN castro_newest n ON n.product_code = d.product_code
LEFT JOIN LATERAL (
    SELECT n.{price} WHERE n.date >= d.{period} AND n.date < d.{period} + {length}
    UNION ALL
    (
        SELECT e.{price} FROM {events} e
        WHERE n.date >= d.{period} + {length}       -- else this branch is never executed
          AND e.product_code = d.product_code AND e.date >= d.{period} AND e.date < d.{period} + {length}
        ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC
        LIMIT 1
    )
) newest ON true
ORDER BY d.product_code, d.{period}         -- the same lock order in all writers: no deadlock
ON CONFLICT (product_code, {period}) DO UPDATE SET
    {added_sums},
    {last_price} = EXCLUDED.{last_price},
    revision = EXCLUDED.revision,
    updated_at = now()
