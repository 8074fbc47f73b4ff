-- Products of some streams: always the same ones of those that are known, by a hash of their code.
SELECT product_code
FROM (SELECT DISTINCT product_code FROM castro.touched WHERE stream = ANY(%(streams)s)) known
ORDER BY hashtextextended(product_code, 0), product_code LIMIT %(products)s
