-- Products of some days' events that the master data lacks: events, those of unknown products, and such products.
WITH recent AS (
    SELECT product_code, sum(transactions)::bigint AS events FROM {daily} WHERE date = ANY(%(days)s) GROUP BY product_code
)
SELECT coalesce(sum(r.events), 0)::bigint,
       coalesce(sum(r.events) FILTER (WHERE m.product_code IS NULL), 0)::bigint,
       count(*) FILTER (WHERE m.product_code IS NULL),
       (array_agg(r.product_code ORDER BY r.events DESC) FILTER (WHERE m.product_code IS NULL))[1:5],
       EXISTS (SELECT FROM {master})
FROM recent r LEFT JOIN {master} m ON m.product_code = r.product_code COLLATE "C"
