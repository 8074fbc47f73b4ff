-- The newest event of each product that the open commit touched, every column as text; null where none is left.
SELECT p.product_code, {texts}
FROM (SELECT DISTINCT product_code FROM castro_deltas) p
LEFT JOIN castro_newest e ON e.product_code = p.product_code
