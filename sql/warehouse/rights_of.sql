SELECT a.privilege_type, r.rolname, a.is_grantable
FROM pg_class c CROSS JOIN aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.oid = %(table)s::regclass
