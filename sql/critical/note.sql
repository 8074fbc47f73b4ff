-- Writes the last measured value of lasting episodes where it changed, and ends those with a reason to.
UPDATE castro.critical c SET
    value = v.value, seen_at = now(),
    ended_at = CASE WHEN v.ended_because IS NOT NULL THEN now() END, ended_because = v.ended_because
FROM (VALUES %s) v (product_code, rule, value, ended_because)
WHERE c.product_code = v.product_code AND c.rule = v.rule AND c.ended_at IS NULL
  AND (v.ended_because IS NOT NULL OR c.value IS DISTINCT FROM v.value)
