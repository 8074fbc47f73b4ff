-- Fields of records that the declaration does not know, first seen within some days.
SELECT name FROM castro.unknown_field
WHERE stream = %(stream)s AND first_seen > now() - %(days)s * interval '1 day' ORDER BY name LIMIT 20
