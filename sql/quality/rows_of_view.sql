-- Rows of ml_product_360.
SELECT {columns} FROM ml_product_360 WHERE product_code = ANY(%(products)s::text[]) ORDER BY product_code
