-- A product's days (or months) with any movement, sale or purchase: the three streams' sums side by side.
SELECT {period} AS first_day, i.received, i.issued, i.moved, s.sold, s.price, p.bought, p.cost
FROM (
    SELECT {period}, volume_in AS received, volume_out AS issued, volume - 2 * volume_out AS moved
    FROM {inventory} WHERE product_code = %(product)s AND {period} BETWEEN %(first)s AND %(last)s
) i
FULL JOIN (
    SELECT {period}, volume AS sold, last_unit_price AS price
    FROM {sales} WHERE product_code = %(product)s AND {period} BETWEEN %(first)s AND %(last)s
) s USING ({period})
FULL JOIN (
    SELECT {period}, volume AS bought, last_unit_cost AS cost
    FROM {procurement} WHERE product_code = %(product)s AND {period} BETWEEN %(first)s AND %(last)s
) p USING ({period})
ORDER BY {period}
