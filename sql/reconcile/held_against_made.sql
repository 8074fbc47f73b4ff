-- Part of statements: the products whose row `t` of one day or month is not the sums `x` of what it is to be made of.
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN {aggregate} t ON t.product_code = p.product_code COLLATE "C" AND t.{period} = %(first)s
LEFT JOIN LATERAL (
    SELECT {sums}
    FROM {source} e
    WHERE e.product_code = p.product_code COLLATE "C" AND e.date >= %(first)s
      AND e.date < %(first)s::date + {length}
    HAVING count(*) > 0
) x ON true
WHERE ({held}) IS DISTINCT FROM ({made})
