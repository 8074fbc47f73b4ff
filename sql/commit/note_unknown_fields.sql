-- Inserts new names only, up to a limit per stream: a source with a new name in each record must not fill the table.
INSERT INTO castro.unknown_field (stream, name)
SELECT %(stream)s, name FROM unnest(%(names)s::text[]) AS n (name)
WHERE NOT EXISTS (SELECT FROM castro.unknown_field k WHERE (k.stream, k.name) = (%(stream)s, n.name))
ORDER BY name
LIMIT greatest(0, %(most)s - (SELECT count(*) FROM castro.unknown_field WHERE stream = %(stream)s))
ON CONFLICT DO NOTHING
