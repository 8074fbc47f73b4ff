-- Removes the rows of days and months that lost their last event to a correction or delete, and records them in
-- castro.emptied for the followers of the commits.
WITH removed AS (
    DELETE FROM {aggregate} t
    USING castro_deltas d
    WHERE t.product_code = d.product_code AND t.{period} = {period_of_date} AND t.transactions = 0
    RETURNING t.product_code, t.{period} AS first_day
)
INSERT INTO castro.emptied AS e (stream, period, product_code, first_day, revision)
SELECT DISTINCT %(stream)s, {period_name}, product_code, first_day, %(revision)s FROM removed
ON CONFLICT (stream, period, product_code, first_day)
    DO UPDATE SET revision = EXCLUDED.revision, emptied_at = EXCLUDED.emptied_at
