-- The same, some at a time in the order of their codes: from the code after which the last ones ended.
SELECT product_code FROM castro.touched
WHERE stream = %(stream)s AND product_code > %(after)s AND revision > %(since)s
ORDER BY product_code LIMIT %(most)s
