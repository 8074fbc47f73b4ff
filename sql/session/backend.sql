-- The pid of the backend that answers.
SELECT pg_backend_pid()
