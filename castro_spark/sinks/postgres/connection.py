"""The only way to open a PostgreSQL session, and the retries that outlast an outage.

A role, a database, PG* variables, a service file or a pooler may change any session setting. The settings that the
jobs rely on are set here, in one round trip (sql/session). What cannot be set is retried or refused with an error
message that names the fix (session/checks.py).
"""

from __future__ import annotations

import logging
import os
from threading import Event
from typing import Any

import psycopg2
import psycopg2.extensions
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, stop_when_event_set
from tenacity import wait_exponential_jitter as growing_wait

from castro_spark.errors import SinkError, first_line
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.session import answers, checks, login
from castro_spark.sinks.postgres.session.passing import PASSING, may_pass
from castro_spark.sinks.postgres.sql_files import names, statement

__all__ = ["PASSING", "Connection", "connect", "may_pass", "names", "outlast_outages", "statement"]

Connection = psycopg2.extensions.connection
_UNACKNOWLEDGED_SECONDS = 30  # beyond lock_timeout: how long a COPY may stall on a healthy server

log = logging.getLogger(__name__)


def connect(settings: PostgresSettings, application: str, *, long: bool = False, reading: bool = False) -> Connection:
    """A new connection (autocommit off) with the session that the jobs need: UTF-8, UTC, read committed, writable.

    It never hangs on a lock or on a dead or silent server; `long` is for statements over whole tables. `reading`: a
    standby, or a role that may not write, will do. Raises SessionRefused for what an operator must fix, and transient
    errors of PASSING (a server that is read-only now).
    """
    attributes = "any" if reading else "read-write"
    try:
        session = _open(settings, application, attributes)
    except psycopg2.OperationalError as error:
        if refused := login.refusal(error, settings):
            raise refused from None
        if "read-only" not in str(error):
            raise
        # Only a session can report which of the many reasons it is.
        session = _open(settings, application, attributes="any")
    try:
        session.autocommit = True  # one round trip
        checks.prepare(
            session, settings, lambda: _open(settings, f"{application} pooler check", attributes), reading=reading
        )
        session.autocommit = False
    except BaseException:
        session.close()
        raise
    answers.bound(session, settings.long_answer_timeout_seconds if long else settings.answer_timeout_seconds)
    return session


def unreachable(error: BaseException) -> SinkError | None:
    """A server that does not answer, or a session that broke, as an error with its remedy; None for any other error."""
    # Neither libpq's failed attempts nor its lost sessions have an SQLSTATE; a server that ends has one of class 57P.
    if not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return None
    if not (error.pgcode or "57P").startswith("57P"):
        return None
    return SinkError(f"PostgreSQL: {first_line(error)}", "check postgres.dsn, the password, and that the server runs")


def _open(settings: PostgresSettings, application: str, attributes: str = "read-write") -> answers.Session:
    parts = psycopg2.extensions.parse_dsn(settings.dsn)
    target: dict[str, Any] = {} if _chooses_server(parts) else {"target_session_attrs": attributes}
    session = psycopg2.connect(
        settings.dsn,
        connection_factory=answers.Session,
        password=settings.secret(),
        application_name=application,
        client_encoding="UTF8",
        connect_timeout=settings.connect_timeout_seconds,
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=(settings.lock_timeout_seconds + _UNACKNOWLEDGED_SECONDS) * 1000,
        **settings.trust(),
        **target,
    )
    assert isinstance(session, answers.Session)
    answers.bound(session, settings.connect_timeout_seconds)
    return session


def _chooses_server(parts: dict[str, str]) -> bool:
    """Whether the DSN, the environment or possibly a service file selects among several servers."""
    return bool({"target_session_attrs", "service"} & parts.keys()) or any(
        os.environ.get(name) for name in ("PGTARGETSESSIONATTRS", "PGSERVICE")
    )


def outlast_outages(seconds: float, stopping: Event | None = None, *, starting: bool = False) -> Retrying:
    """Retries a function on transient errors, for up to `seconds`, or until `stopping` is set.

    `starting`: see passing.may_pass.
    """
    stop = stop_after_delay(seconds)
    return Retrying(
        retry=retry_if_exception(lambda error: may_pass(error, starting=starting)),
        wait=growing_wait(initial=0.1, max=3),
        stop=stop | stop_when_event_set(stopping) if stopping else stop,
        before_sleep=_report,
        reraise=True,
    )


def _report(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("PostgreSQL: %s; attempt %d, trying again", first_line(error), state.attempt_number)
