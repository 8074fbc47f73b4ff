-- One incident.
SELECT {columns} FROM castro.incident WHERE id = %(id)s
