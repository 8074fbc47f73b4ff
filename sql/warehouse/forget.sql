-- Removes the rows of attempts that Spark did not report as done: each attempt was a transaction, whose number its rows bear.
DELETE FROM {loading} WHERE xmin <> ALL(%(attempts)s::bigint[]::text[]::xid[])
