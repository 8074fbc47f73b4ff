"""ml_product_360: its rows, their publication, the master data they take, and how far they are refreshed."""
