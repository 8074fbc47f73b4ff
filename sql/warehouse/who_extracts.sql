SELECT format('%%s (PostgreSQL pid %%s, since %%s)', a.application_name, a.pid, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI'))
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.classid::int8 = hashtext('castro_spark.extract')::int8 & 4294967295
  AND l.objid::int8 = hashtext(%(target)s)::int8 & 4294967295
