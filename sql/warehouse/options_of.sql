SELECT reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = %(table)s::regclass
