-- Products that commits after a revision touched, and whether one of them brought a fresh event. Of the others (a backfill
-- may touch very many) only those with an episode that lasts: it may be over.
SELECT t.product_code, coalesce(t.fresh_revision > %(since)s, false) AS fresh
FROM castro.touched t
WHERE t.stream = %(stream)s AND t.revision > %(since)s
  AND (t.fresh_revision > %(since)s
       OR EXISTS (SELECT 1 FROM castro.critical c WHERE c.product_code = t.product_code AND c.ended_at IS NULL))
ORDER BY fresh DESC, t.product_code
