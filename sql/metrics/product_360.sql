-- The last refresh of ml_product_360.
SELECT extract(epoch FROM refreshed_at)::float8 FROM castro.product_360
