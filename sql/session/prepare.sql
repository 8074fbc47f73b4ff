-- Sets what the jobs rely on, overriding role, database, environment and server, and reports the session's state, in one
-- round trip. Sets nothing if a pooler answers with another backend than reported at connect: then the session may be
-- shared.
SELECT set_config('statement_timeout', '0', true);
SELECT set_config(name, value, false)
FROM (
    VALUES
        -- Formats of texts, times and bytes.
        ('search_path', %(schema)s, 0),
        ('TimeZone', 'UTC', 0),
        ('DateStyle', 'ISO, MDY', 0),
        ('IntervalStyle', 'postgres', 0),
        ('bytea_output', 'hex', 0),
        ('extra_float_digits', '1', 0),
        ('standard_conforming_strings', 'on', 0),
        ('quote_all_identifiers', 'off', 0),
        ('array_nulls', 'on', 0),
        ('transform_null_equals', 'off', 0),
        ('client_min_messages', 'warning', 0),
        -- Isolation, and a durable COMMIT. remote_apply waits for even more.
        ('default_transaction_isolation', 'read committed', 0),
        ('default_transaction_deferrable', 'off', 0),
        ('synchronous_commit', CASE current_setting('synchronous_commit')
                                   WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, 0),
        -- Rows hidden by a policy would silently give wrong numbers: raise an error instead.
        ('row_security', 'off', 0),
        -- Timeouts.
        ('statement_timeout', '0', 0),
        ('lock_timeout', %(lock_timeout)s, 0),
        ('idle_in_transaction_session_timeout', '10min', 0),
        ('idle_session_timeout', '0', 140000),
        ('transaction_timeout', '0', 170000),
        -- The locks of a vanished client are released within half a minute.
        ('tcp_keepalives_idle', '10', 0),
        ('tcp_keepalives_interval', '5', 0),
        ('tcp_keepalives_count', '3', 0),
        -- Plans: a commit joins the batch by index. JIT compilation takes longer than any batch runs.
        ('work_mem', %(work_mem)s, 0),
        ('jit', 'off', 0),
        ('enable_nestloop', 'on', 0),
        ('enable_hashjoin', 'on', 0),
        ('enable_mergejoin', 'on', 0),
        ('enable_indexscan', 'on', 0),
        ('enable_indexonlyscan', 'on', 0),
        ('enable_bitmapscan', 'on', 0),
        ('enable_seqscan', 'on', 0),
        ('enable_sort', 'on', 0),
        ('enable_hashagg', 'on', 0),
        -- Temporary and staging tables are updated in place, which needs heap.
        ('default_table_access_method', 'heap', 0)
) AS wanted (name, value, since)
WHERE current_setting('server_version_num')::int >= since AND %(backend)s IN (0, pg_backend_pid());
SELECT
    pg_backend_pid() AS backend,
    current_setting('server_encoding') AS server_encoding,
    current_setting('client_encoding') AS client_encoding,
    current_setting('session_replication_role') AS replication_role,
    to_regnamespace(%(schema)s) IS NOT NULL AS schema_there,
    to_regnamespace(%(schema)s) IS NOT NULL AND has_schema_privilege(to_regnamespace(%(schema)s), 'USAGE') AS schema_usable,
    current_setting('transaction_read_only')::boolean AS read_only,
    pg_is_in_recovery() AS standby,
    CASE WHEN current_setting('transaction_read_only')::boolean
         THEN (SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only') END AS read_only_by
