SELECT reloptions, obj_description(oid, 'pg_class'), pg_get_userbyid(relowner), relowner = current_user::regrole
FROM pg_class WHERE oid = %(table)s::regclass
