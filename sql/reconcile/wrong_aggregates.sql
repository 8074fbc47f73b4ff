-- Daily or monthly rows of one day or month that differ from the sums of their events (or daily rows).
SELECT p.product_code,
       CASE WHEN t.product_code IS NULL THEN 'missing' WHEN x.transactions IS NULL THEN 'extra' ELSE 'different' END,
       t.product_code IS NOT NULL, to_jsonb(t) - 'updated_at' - 'revision', to_jsonb(x)
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN {aggregate} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} = %(first)s
LEFT JOIN LATERAL (
    SELECT {sums}
    FROM {source} e
    WHERE e.product_code = p.product_code COLLATE "C" AND e.date >= %(first)s
      AND e.date < %(first)s::date + {length}
    HAVING count(*) > 0
) x ON true
WHERE ({stored}) IS DISTINCT FROM ({expected})
ORDER BY 1
