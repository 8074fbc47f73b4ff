-- The server's version, and its connections in use and allowed.
SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections_allowed
