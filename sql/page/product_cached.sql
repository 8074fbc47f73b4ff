-- A product's row of the 360° view (null: it has none), and the view's last refresh.
SELECT {columns}, v.updated_at, coalesce(v.revision, p.revision) AS revision, p.revision AS refreshed
FROM castro.product_360 p LEFT JOIN ml_product_360 v ON v.product_code = %(product)s
