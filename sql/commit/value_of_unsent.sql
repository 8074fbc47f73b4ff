-- Recomputes value_total of records with filled columns: quantity x price, exact in numeric.
UPDATE {staged_events} SET value_total = quantity * {price}
WHERE attempt = ANY(%(attempts)s) AND kept IS NOT NULL AND NOT deleted
