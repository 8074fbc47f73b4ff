-- A product's newest event, every column as text; null where none is left.
SELECT p.product_code, {texts}
FROM ({products}) p
LEFT JOIN LATERAL (
    SELECT * FROM {events} e
    WHERE e.product_code = p.product_code
    ORDER BY e.date DESC, e."timestamp" DESC, e.source_position DESC
    LIMIT 1
) e ON true
