-- The products whose hashes were wrong in the last result of this check.
SELECT jsonb_array_elements_text(coalesce(evidence -> 'products', jsonb_build_array()))
FROM (
    SELECT evidence FROM castro.quality_result
    WHERE check_name = 'redis_sample' AND subject = %(subject)s ORDER BY id DESC LIMIT 1
) last
