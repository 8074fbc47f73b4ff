-- When the 360° view was refreshed last.
SELECT refreshed_at FROM castro.product_360
