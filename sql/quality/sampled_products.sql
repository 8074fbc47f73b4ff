-- Products of a stream, by chance: half of them among those that the newest commits touched.
SELECT product_code FROM (
    SELECT product_code FROM castro.touched WHERE stream = %(stream)s ORDER BY revision DESC LIMIT %(half)s
) newest
UNION
SELECT product_code FROM (
    SELECT product_code FROM castro.touched WHERE stream = %(stream)s
    ORDER BY hashtextextended(product_code, %(salt)s) LIMIT %(half)s
) others
