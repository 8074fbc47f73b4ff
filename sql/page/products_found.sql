-- Products whose code or description has every wanted word, whatever its accents and case: first the code that is the
-- question itself, then codes that begin with it, then the rest, each in the order of codes. Those that events touched
-- and the 360° view does not have yet are found too. One page: the rows after (%(rank)s, %(after)s), of `found` in all.
WITH known AS (
    SELECT product_code, description, active, stock, minimum_stock, below_minimum, days_of_cover, last_sale_at, as_of,
           concat_ws(' ', product_code, description) AS searched
    FROM ml_product_360
    UNION ALL
    SELECT DISTINCT t.product_code, NULL, NULL::boolean, NULL::numeric, NULL::numeric, NULL::boolean, NULL::numeric,
           NULL::timestamptz, NULL::date, t.product_code
    FROM castro.touched t
    WHERE NOT EXISTS (SELECT 1 FROM ml_product_360 v WHERE v.product_code = t.product_code)
),
folded AS (
    SELECT *,
           CASE WHEN octet_length(searched) = length(searched) THEN lower(searched COLLATE "C")  -- ASCII: much faster
                ELSE lower(regexp_replace(normalize(searched, NFKD), '[\u0300-\u036f]', '', 'g') COLLATE "C")
           END AS text
    FROM known
),
ranked AS (
    SELECT product_code, description, active, stock, minimum_stock, below_minimum, days_of_cover, last_sale_at, as_of,
           CASE WHEN %(question)s = '' THEN 2
                WHEN starts_with(text || ' ', %(question)s || ' ') THEN 0
                WHEN starts_with(text, %(question)s) THEN 1
                ELSE 2 END AS rank
    FROM folded
    WHERE %(patterns)s::text[] = '{{}}' OR text LIKE ALL (%(patterns)s)
)
SELECT *, (SELECT count(*) FROM ranked) AS found
FROM ranked
WHERE (rank, product_code) > (%(rank)s, %(after)s)
ORDER BY rank, product_code
LIMIT %(most)s
