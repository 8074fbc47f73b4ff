-- Fields of a stream's records that its declaration does not know.
SELECT name, first_seen FROM castro.unknown_field WHERE stream = %(stream)s ORDER BY first_seen DESC LIMIT 50
