-- Terminates the sessions that keep the lock on the stream's row for longer than lock_timeout: of an earlier writer of
-- the stream (the claim fences it anyway), and of an out-of-band job whose process is silent, so frozen. Such a job that
-- is at work is waited for.
SELECT a.pid, pg_terminate_backend(a.pid)
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
    AND (
        a.application_name = %(application)s
        OR (
            a.application_name = %(application)s || ' out-of-band' AND a.wait_event = 'ClientRead'
            AND a.state_change < clock_timestamp() - current_setting('lock_timeout')::interval
        )
    )
    AND a.xact_start < clock_timestamp() - current_setting('lock_timeout')::interval
    AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'castro.stream'::regclass AND l.granted)
