-- The products that commits after a revision touched, in pages by code: those after the previous page's last code.
SELECT product_code FROM castro.touched
WHERE stream = %(stream)s AND product_code > %(after)s AND revision > %(since)s
ORDER BY product_code LIMIT %(most)s
