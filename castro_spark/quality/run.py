"""Runs checks and stores their results.

Each check of each subject is measured in read-only snapshots of its own. One that cannot be run, or that exceeds the
statement time-out, has the outcome `error`; it never stops the others, and it is never a pass. The results of a run are
stored in one transaction, together with what follows from them (`note`).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import date, datetime, timezone
from threading import Event
from typing import Any

import psycopg2
import redis
from psycopg2.extensions import ISOLATION_LEVEL_DEFAULT

from castro_spark.errors import SettingsError, first_line, in_words
from castro_spark.quality.checks import CHECKS, Check
from castro_spark.quality.context import Context
from castro_spark.quality.measure.events import check_holidays
from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.rules import configured
from castro_spark.sections.quality import limits_of
from castro_spark.settings import Settings
from castro_spark.sinks.postgres import quality_results
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.redis import trouble
from castro_spark.sources.kafka.ends import Topics
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_PRUNED_A_RUN = 20_000
Note = Callable[[Connection, Sequence[Result]], object]


def run_checks(
    settings: Settings,
    streams: Sequence[StreamDeclaration],
    topics: Topics,
    *,
    names: Sequence[str] = (),
    day: date | None = None,
    note: Note | None = None,
    store: bool = True,
    stopping: Event | None = None,
) -> list[Result]:
    """Runs the named checks (default: all) and stores the results; returns them.

    `day`: the judged local day (default: today); it is judged as if it were today. `note` is called in the transaction
    that stores the results; without `store` there is none. If `stopping` is set meanwhile, nothing is stored. Raises if
    PostgreSQL does not answer.
    """
    check_subjects(settings, streams)
    check_holidays(settings.quality.volume)
    results: list[Result] = []
    with closing(connect(settings.postgres, "castro_spark quality")) as connection:
        known = {s.name: configured(s, settings) for s in streams}
        today = day or datetime.now(settings.zone).date()
        context = Context(settings, connection, topics, known, today)
        for result in _results(context, [c for c in CHECKS if not names or c.name in names]):
            if stopping is not None and stopping.is_set():
                return []
            results.append(result)
        if not store:
            return results
        connection.set_session(isolation_level=ISOLATION_LEVEL_DEFAULT, readonly=False)
        _store(connection, settings, results, today, note)
        quality_results.prune(connection, settings.quality.history_days, _PRUNED_A_RUN)
    return results


def failed(result: Result, settings: Settings) -> bool:
    """Whether a result is a failure: fail, error, or no data where the settings expect some."""
    if result.outcome is Outcome.NO_DATA:
        (check,) = (c for c in CHECKS if c.name == result.check)
        return limits_of(check.limits(settings.quality), result.subject).no_data == "fail"
    return result.outcome in (Outcome.FAIL, Outcome.ERROR)


def check_subjects(settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
    """Raises SettingsError if a check's `of` names neither a stream, nor a column of it, nor a table."""
    known = {s.name: set(s.columns) for s in streams}
    others = {*settings.warehouse.tables, "product_360"}
    for check in CHECKS:
        for subject in check.limits(settings.quality).of:
            name, _, column = subject.partition(".")
            if subject not in others and (name not in known or (column and column not in known[name])):
                raise SettingsError(
                    f"quality.{check.name}.of.{subject}: neither a stream, a stream's column nor a table",
                    f"name one of: {', '.join([*known, *sorted(others)])}, or stream.column",
                )


def _results(context: Context, checks: Sequence[Check]) -> Iterator[Result]:
    for check in checks:
        for subject in check.subjects(context):
            limits = limits_of(check.limits(context.settings.quality), subject)
            if not limits.enabled:
                continue
            try:
                yield check.run(context, subject, limits)
            except Exception as error:
                log.debug("check %s of %s", check.name, subject, exc_info=True)
                why = _why(error, context.settings)
                yield Result(check.name, subject, Severity(limits.severity), Outcome.ERROR, why)
            finally:
                with suppress(psycopg2.Error):
                    context.connection.rollback()


def _why(error: Exception, settings: Settings) -> str:
    if isinstance(error, psycopg2.errors.QueryCanceled):
        return "could not run: a statement took longer than quality.statement_timeout_seconds"
    if isinstance(error, psycopg2.errors.UndefinedTable | psycopg2.errors.UndefinedColumn):
        return f"could not run: {first_line(error)}; run ./spark-submit.sh migrate with the same settings"
    words = trouble.in_words(error, settings.redis) if isinstance(error, redis.RedisError) else in_words(error)
    return f"could not run: {words.partition(chr(10))[0]}"


def _store(
    connection: Connection, settings: Settings, results: Sequence[Result], day: date, note: Note | None
) -> None:
    run = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    rows: list[dict[str, Any]] = [
        {**as_dict(r), "check_name": r.check, "run": run, "failed": failed(r, settings), "day": day} for r in results
    ]
    with connection, connection.cursor() as cursor:
        if rows:
            quality_results.add(cursor, rows)
        if note is not None:
            note(connection, results)


def as_dict(result: Result) -> Mapping[str, Any]:
    """A result as plain data."""
    return {**vars(result), "severity": result.severity.value, "outcome": result.outcome.value,
            "evidence": dict(result.evidence)}  # fmt: skip
