"""Celery Beat as the scheduler of the jobs: `celery -A castro_spark.beat`, then `worker` or `beat`.

One task's way: beat (schedule) sends it to a queue of its own. A worker (tasks) starts a process that watches the job
(run), and waits for its outcome. That process (watch) takes the task's lock in PostgreSQL, starts ./spark-submit.sh,
and ends the job if its time is up or its worker is gone. docs/celery.md says how to run it.

Optional: nothing else imports this package. Importing the application loads the settings and Celery, but no Spark.
"""
