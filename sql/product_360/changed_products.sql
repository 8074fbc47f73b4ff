-- Products whose row does not include all that the streams have committed, or was made on an earlier day.
SELECT product_code
FROM castro.touched t
WHERE stream = ANY(%(streams)s) AND revision > coalesce((%(seen)s::jsonb ->> stream)::bigint, -1)
UNION
SELECT product_code FROM ml_product_360 WHERE as_of <> %(as_of)s
ORDER BY product_code
