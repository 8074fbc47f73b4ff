-- For each day: rows with a price whose product had one before, how many of them are beyond a factor of that product's
-- usual price (the median of the last prices of its last ten days), the median ratio, the median of ln |quantity|, and
-- examples. A price or quantity of 0 is infinitely far below any other; percentile_disc, since nothing lies between that
-- and a number. A sample, as for nulls.
WITH sampled AS MATERIALIZED (
    SELECT e.date, e.event_id,
           CASE WHEN e.quantity = 0 THEN '-infinity' ELSE ln(abs(e.quantity)::float8) END AS quantity,
           CASE WHEN usual.price IS NULL THEN NULL WHEN e.{price} = 0 THEN '-infinity'
                ELSE ln(e.{price}::float8 / usual.price) END AS jump
    FROM unnest(%(days)s::date[]) AS day (date)
    CROSS JOIN LATERAL (
        SELECT d.product_code, d.date FROM {daily} d WHERE d.date = day.date
        ORDER BY hashtextextended(d.product_code, %(salt)s) LIMIT %(products)s
    ) picked
    LEFT JOIN LATERAL (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY before.price::float8) AS price
        FROM (
            SELECT d.{last_price} AS price FROM {daily} d
            WHERE d.product_code = picked.product_code AND d.date < picked.date AND d.{last_price} > 0
            ORDER BY d.date DESC LIMIT 10
        ) before
    ) usual ON true
    CROSS JOIN LATERAL (
        SELECT * FROM {events} e WHERE e.product_code = picked.product_code AND e.date = picked.date OFFSET 0
    ) e
)
SELECT date, count(*), count(jump), count(*) FILTER (WHERE abs(jump) > ln(%(factor)s::float8)),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY jump),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY quantity),
       (array_agg(event_id ORDER BY abs(jump) DESC) FILTER (WHERE abs(jump) > ln(%(factor)s::float8)))[1:5]
FROM sampled GROUP BY date
