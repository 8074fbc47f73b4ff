-- Rows of ml_product_360 from before 018 have none of its columns, and would get them when their product is next touched. They
-- become rows of an earlier day, which the next refresh computes anew.
UPDATE ml_product_360 SET as_of = as_of - 1 WHERE stock IS NULL;
