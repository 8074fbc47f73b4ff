-- What the current role may do beside reading and writing tables.
SELECT current_user AS role,
    has_database_privilege(current_database(), 'TEMP') AS temporary,
    has_database_privilege(current_database(), 'CREATE') AS schemas,
    has_schema_privilege(%(schema)s, 'CREATE') AS tables,
    coalesce(has_schema_privilege(to_regnamespace('castro'), 'USAGE'), true) AS castro_usable
