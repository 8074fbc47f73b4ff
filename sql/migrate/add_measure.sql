-- Adds a measure: the column, with the sums of the existing events. It has no default, so that a writer with the older
-- declaration fails instead of omitting its sums.
ALTER TABLE {aggregate} ADD COLUMN {measure} numeric NOT NULL DEFAULT 0;
UPDATE {aggregate} t SET {measure} = s.total
FROM (
    SELECT e.product_code, {period_of_date} AS period, sum(e.{summed}) AS total
    FROM {events} e
    WHERE e.{where} IN ({among})
    GROUP BY 1, 2
) s
WHERE t.product_code = s.product_code AND t.{period} = s.period;
ALTER TABLE {aggregate} ALTER COLUMN {measure} DROP DEFAULT;
