-- Opens an incident, unless another transaction has opened one of this check and subject: then it returns no row, after
-- that transaction has ended.
INSERT INTO castro.incident ({columns}) VALUES ({values})
ON CONFLICT (check_name, subject) WHERE ended_at IS NULL DO NOTHING
RETURNING id
