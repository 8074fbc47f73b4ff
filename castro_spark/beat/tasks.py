"""The tasks, by the names of the source design. Each runs one job by the one door.

    extract_hadoop_data                        extract --mode incremental
    full_hadoop_sync                           extract --mode full
    sync_hadoop_batch(date=None, force=False)  reconcile --date DATE --apply: one business day, by default yesterday
    monitor_data_quality                       quality

Guarantee: at most one run of a task at a time, on all workers together; another one is skipped, and its result says
so. A task whose worker was killed may be run again: the jobs are safe to repeat.

The result is a dictionary: `ran`, the exit `status`, and `words`, the last that the job said. Exit status 2 (wrong
usage or settings) is WrongUsage, which is not retried. Any other end is JobFailed, after the retries of the settings.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery import Task, shared_task

from castro_spark.beat.door import command, settings
from castro_spark.beat.outcome import End, Outcome
from castro_spark.beat.run import run
from castro_spark.errors import UsageError

_SECONDS = 60


class JobFailed(Exception):
    """The job failed; the text has its last words."""


class WrongUsage(JobFailed):
    """The job has wrong arguments or settings: it would meet the same again."""


@shared_task(bind=True, name="extract_hadoop_data")
def extract_hadoop_data(task: Task) -> dict[str, Any]:
    """Rows of the warehouse changed since the watermark."""
    return _job(task, "extract", "--mode", "incremental")


@shared_task(bind=True, name="full_hadoop_sync")
def full_hadoop_sync(task: Task) -> dict[str, Any]:
    """All rows of the warehouse's tables, checked, then swapped in."""
    return _job(task, "extract", "--mode", "full")


@shared_task(bind=True, name="sync_hadoop_batch")
def sync_hadoop_batch(task: Task, date: str | None = None, force: bool = False) -> dict[str, Any]:
    """One business day: warehouse, PostgreSQL and Redis compared and repaired; `force`: beyond the change limit."""
    day = date or (datetime.now(settings().zone).date() - timedelta(days=1)).isoformat()
    task.request.update(args=(), kwargs={"date": day, "force": force})  # a retry is for the same day
    return _job(task, "reconcile", "--date", str(day), "--apply", *(["--force"] if force else []))


@shared_task(bind=True, name="monitor_data_quality")
def monitor_data_quality(task: Task) -> dict[str, Any]:
    """Freshness, counts, schema, nulls, duplicates and the rest."""
    return _job(task, "quality")


def _job(task: Task, *words: str) -> dict[str, Any]:
    beat = settings().beat
    bounds = beat.tasks.by_name()[task.name]
    done = run(task.name, command(*words), bounds.limit_minutes * _SECONDS, beat.grace_seconds)
    if done.end is End.BUSY or (done.end is End.EXITED and done.status == 0):
        return {"ran": done.end is End.EXITED, "status": done.status, "words": done.words}
    text = f"{' '.join(words)}: {_in_words(done, bounds.limit_minutes)}"
    if done.end is End.EXITED and done.status == UsageError.exit_status:
        raise WrongUsage(text)
    wait = bounds.retry_minutes * _SECONDS
    raise task.retry(
        exc=JobFailed(text), countdown=wait, max_retries=bounds.retries,
        expires=wait + bounds.begin_within_minutes * _SECONDS,
    )  # fmt: skip


def _in_words(done: Outcome, limit_minutes: float) -> str:
    how = {
        End.TIME_UP: f"stopped after {limit_minutes:g} minutes (beat.tasks, limit_minutes), exit status {done.status}",
        End.STOPPED: f"stopped as asked, exit status {done.status}",
        End.LOST: "lost",
    }.get(done.end, f"exit status {done.status}")
    return f"{how}. {done.words}"
