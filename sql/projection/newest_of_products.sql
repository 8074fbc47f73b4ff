-- The newest event of some products: when it was written, and its hash's fields; NULL if there is none.
SELECT p.product_code, e.updated_at, CASE WHEN e.updated_at IS NOT NULL THEN row_to_json(texts)::text END
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN LATERAL (
    SELECT * FROM {events} e
    WHERE e.product_code = p.product_code COLLATE "C"
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC
    LIMIT 1
) e ON true
CROSS JOIN LATERAL (SELECT {texts}) texts
