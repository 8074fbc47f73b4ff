-- Products of ml_product_360, by chance.
SELECT product_code FROM ml_product_360 ORDER BY hashtextextended(product_code, %(salt)s) LIMIT %(products)s
