-- The products that commits after a revision touched, if they are few.
SELECT product_code FROM castro.touched WHERE stream = %(stream)s AND revision > %(since)s LIMIT %(most)s
