-- Terminates the sessions of writers whose transaction is older than lock_timeout: a process that was frozen in its
-- transaction would keep the lock on the stream's row indefinitely.
SELECT a.pid, pg_terminate_backend(a.pid)
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
    AND a.application_name = %(application)s
    AND a.xact_start < clock_timestamp() - current_setting('lock_timeout')::interval
    AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'castro.stream'::regclass AND l.granted)
