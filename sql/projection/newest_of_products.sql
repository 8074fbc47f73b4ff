-- The newest event of some products, every column as text, and when it was written; null if there is none.
SELECT p.product_code, e.updated_at, {texts}
FROM unnest(%(products)s::text[]) AS p (product_code)
LEFT JOIN LATERAL (
    SELECT * FROM {events} e
    WHERE e.product_code = p.product_code COLLATE "C"
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC
    LIMIT 1
) e ON true
