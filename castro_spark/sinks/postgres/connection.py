"""Connections to PostgreSQL, and the patience with which an outage is waited for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Event

import psycopg2
import psycopg2.extensions
from psycopg2 import sql
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_when_event_set,
    wait_exponential_jitter,
)

from castro_spark.errors import first_line
from castro_spark.settings import PostgresSettings

Connection = psycopg2.extensions.connection
SQL_DIR = Path(__file__).resolve().parent.parent.parent.parent / "sql"
# What may pass: the server is away or restarting, the network broke, a deadlock, a lock not had in time.
# Never a bad record: parse has seen to those before anything reaches the database.
PASSING = (psycopg2.OperationalError, psycopg2.InterfaceError)

log = logging.getLogger(__name__)


def connect(settings: PostgresSettings, application: str) -> Connection:
    """A new connection (autocommit off) in UTC that notices a dead server and does not hang on a lock."""
    connection = psycopg2.connect(
        settings.dsn,
        password=settings.password.get_secret_value() if settings.password else None,
        application_name=application,
        connect_timeout=settings.connect_timeout_seconds,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    with connection.cursor() as cursor:
        # jit: compiling a plan takes longer than any batch of this size runs.
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', false), set_config('jit', 'off', false),"
            " set_config('lock_timeout', %s, false), set_config('work_mem', %s, false),"
            " set_config('idle_in_transaction_session_timeout', '10min', false)",
            (f"{settings.lock_timeout_seconds}s", f"{settings.work_mem_mb}MB"),
        )
    connection.commit()
    return connection


def outlast_outages(seconds: float, stopping: Event | None = None) -> Retrying:
    """Runs a function again while PASSING errors come, up to `seconds`, or until `stopping` is set."""
    stop = stop_after_delay(seconds)
    return Retrying(
        retry=retry_if_exception_type(PASSING),
        wait=wait_exponential_jitter(initial=0.1, max=3),
        stop=stop | stop_when_event_set(stopping) if stopping else stop,
        before_sleep=_report,
        reraise=True,
    )


def _report(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("PostgreSQL: %s; attempt %d, trying again", first_line(error), state.attempt_number)


def statement(path: str, **parts: sql.Composable) -> sql.Composed:
    """The statement in sql/`path` with identifiers and fragments put in for its {names}."""
    return sql.SQL(_text(path)).format(**parts)


@cache  # commits and refreshes compose some of theirs each time
def _text(path: str) -> str:
    return (SQL_DIR / path).read_text(encoding="utf-8")


def names(columns: tuple[str, ...], form: Callable[[str], sql.Composable] = sql.Identifier) -> sql.Composed:
    """Columns as a comma-separated list, each in `form`."""
    return sql.SQL(", ").join(form(c) for c in columns)
