-- quantity x price is exact in numeric, as everywhere.
UPDATE {staged_events} SET value_total = quantity * {price}
WHERE attempt = ANY(%(attempts)s) AND kept IS NOT NULL AND NOT deleted
