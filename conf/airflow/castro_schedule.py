"""What Airflow runs of castro_spark, and when: plain data and pure functions. castro_dags.py makes DAGs of them.

A job is a line of words for the one door, spark-submit.sh. A word may be a template of Airflow's; one that renders to
nothing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

ZONE = "America/Sao_Paulo"
STREAMS = ("inventory", "procurement", "sales")
WRONG_USAGE = 2  # the door's exit status for wrong arguments or settings: the same the next time, so never retried
_WORD = "CASTRO_JOB_WORD_"


@dataclass(frozen=True)
class Job:
    """A DAG of one task. `cron` is in ZONE; None: started by hand, or by another DAG."""

    dag_id: str
    words: tuple[str, ...]
    cron: str | None
    timeout: timedelta | None  # of one attempt
    retries: int
    retry_delay: timedelta
    about: str
    paged: bool = True  # whether a failure is told to a person by Airflow


_BUSINESS_DAY = "{{ params.date or business_day(dag_run.run_after) }}"

JOBS = (
    Job(
        "castro_extract", ("extract", "--mode", "incremental"), "*/5 * * * *", timedelta(minutes=30), 3,
        timedelta(minutes=3), "Rows of the warehouse changed since the watermark. A table that the full refresh holds "
        "is waited for (warehouse.lock_wait_seconds), then retried.",
    ),
    Job(
        "castro_full_refresh", ("extract", "--mode", "full"), "0 2 * * *", timedelta(hours=4), 3,
        timedelta(minutes=10), "All rows of the warehouse's tables, checked, then swapped in.",
    ),
    Job(
        "castro_reconcile",
        ("reconcile", "--date", _BUSINESS_DAY, "{{ '--apply' if params.apply else '' }}",
         "{{ '--force' if params.force else '' }}"),
        "30 4 * * *", timedelta(hours=4), 3, timedelta(minutes=15),
        "Yesterday's business day: warehouse, PostgreSQL and Redis compared and repaired. By hand: any day.",
    ),
    Job(
        "castro_quality", ("quality",), "2-59/5 * * * *", timedelta(minutes=10), 0, timedelta(minutes=1),
        "Freshness, counts, schema, nulls, duplicates and the rest. Never retried: the next run is as good.",
        paged=False,  # its incidents tell of a failed check, once; the watch tells if PostgreSQL does not answer
    ),
    Job(
        "castro_backfill",
        ("backfill", "--stream", "{{ params.stream }}", "--from", "{{ params['from'] }}", "--to", "{{ params.to }}",
         "{{ '--from-archive' if params.from_archive else '' }}", "{{ '--restart' if params.restart else '' }}"),
        None, timedelta(days=2), 3, timedelta(minutes=10),
        "History of a range of business days. By hand, with parameters; a retry resumes with the interrupted month.",
    ),
    *(
        Job(
            f"castro_stream_{name}", ("stream", "--stream", name), None, None, 5, timedelta(minutes=1),
            f"The stream {name}, until it is asked to stop. For an installation in which Airflow runs the streams.",
        )
        for name in STREAMS
    ),
)  # fmt: skip
WATCH_CRON = "*/2 * * * *"


def command_line(words: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A bash command that runs the door with these words under castro_watched.py, and the environment that it reads.

    The words travel in the environment: whatever a template or a parameter renders to, bash never parses it.
    """
    names = [f"{_WORD}{number}" for number in range(len(words))]
    given = " ".join(f'${{{name}:+"${name}"}}' for name in names)
    settings = '${CASTRO_JOB_ENV:+--env "$CASTRO_JOB_ENV"} ${CASTRO_JOB_CONF_FILE:+--conf-file "$CASTRO_JOB_CONF_FILE"}'
    command = f'exec "$CASTRO_WATCHED_PYTHON" "$CASTRO_WATCHED" -- "$CASTRO_DOOR" {given} {settings}'
    return command, dict(zip(names, words, strict=True))


def business_day(moment: datetime, zone: str = ZONE) -> str:
    """The last whole local day before a run, as YYYY-MM-DD: the same for each attempt of the run."""
    return (moment.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)).isoformat()


class Verdict(Enum):
    """What the watch does about a stream."""

    FINE = "fine"  # it runs, was stopped as asked, or was never started
    RESTART = "restart"  # nobody answers for it any more: killed, frozen or cut off
    PAGE = "page"  # a person is needed: it ended with an error, or what it tells cannot be read


@dataclass(frozen=True)
class Seen:
    """A stream as `status --json` shows it; `instance` names the process that ran it last."""

    verdict: Verdict
    words: str
    instance: str = ""


def seen(stream: str, document: Mapping[str, Any]) -> Seen:
    """The verdict on one stream from the document of `status --json`."""
    part = next((part for part in document.get("streams", ()) if part.get("stream") == stream), None)
    if part is None:
        return Seen(Verdict.PAGE, f"`status` says nothing of stream {stream}")
    if error := part.get("error"):
        return Seen(Verdict.PAGE, str(error))
    trouble, instance = part.get("trouble"), str((part.get("instance") or {}).get("instance", ""))
    if not trouble:
        return Seen(Verdict.FINE, f"stream {stream} is as it should be", instance)
    # An error that ended the stream meets its next start as well. Silence has no such cause: the process is gone.
    verdict = Verdict.RESTART if str(trouble).startswith("no heartbeat from") else Verdict.PAGE
    return Seen(verdict, f"stream {stream} should run, but does not: {trouble}", instance)
