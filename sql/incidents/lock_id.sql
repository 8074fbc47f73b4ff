-- Locks an incident by its number.
SELECT {columns} FROM castro.incident WHERE id = %(id)s FOR UPDATE
