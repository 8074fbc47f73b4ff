-- Daily or monthly rows of one day or month that are not the sums of what they are to be made of.
SELECT p.product_code,
       CASE WHEN t.product_code IS NULL THEN 'missing' WHEN x.transactions IS NULL THEN 'extra' ELSE 'different' END,
       t.product_code IS NOT NULL, to_jsonb(t) - 'updated_at' - 'revision', to_jsonb(x)
{held_against_made}
ORDER BY 1
