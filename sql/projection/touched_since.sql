-- The products that commits after a revision touched, up to a limit.
SELECT product_code FROM castro.touched WHERE stream = %(stream)s AND revision > %(since)s LIMIT %(most)s
