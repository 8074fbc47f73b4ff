"""Checks a session before anything is written through it: sets what can be set, retries or refuses the rest.

Set (sql/session/prepare.sql): every setting that a session may change. Retried like an outage: a read-only server (a
standby, maintenance). Refused: what an operator must fix; the error names the fix.

A pooler in transaction mode breaks advisory locks, temporary tables and settings. How one is detected: PostgreSQL
reports its backend's pid at connect, a pooler reports a number of its own. In that case, once per process, a second
session is opened beside the first; it must not get the same backend.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from threading import Lock

import psycopg2
from psycopg2 import errors

from castro_spark.errors import SessionRefused, first_line
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.session.answers import Session
from castro_spark.sinks.postgres.sql_files import statement

_SECOND_SESSIONS = 3  # beside the first; with one only, a busy pool could pass the check by chance
# pg_settings.source of the read-only default -> what it means, where the account or this process causes it.
_ACCOUNT_SOURCES = {
    "user": "role",
    "database user": "role in this database",
    "client": "connection (options in the DSN, or PGOPTIONS)",
}
_exclusive_sessions: set[str] = set()  # DSNs behind a pooler whose sessions were verified as exclusive
_checking = Lock()


@dataclass(frozen=True)
class SessionState:
    """A session's state as PostgreSQL reports it (sql/session/prepare.sql)."""

    backend: int
    server_encoding: str
    client_encoding: str
    replication_role: str
    schema_there: bool
    schema_usable: bool
    read_only: bool
    standby: bool
    read_only_by: str | None  # pg_settings.source of default_transaction_read_only; null unless read_only


def prepare(
    session: Session, settings: PostgresSettings, another: Callable[[], Session], *, reading: bool = False
) -> None:
    """Configures and checks a session (in autocommit); `another` opens a second one like it.

    Raises SessionRefused, or ReadOnlySqlTransaction, which is transient.
    """
    state = _set_and_ask(session, settings, session.info.backend_pid)
    if state.backend != session.info.backend_pid:
        _check_exclusive(session, settings.dsn, another)
        state = _set_and_ask(session, settings, 0)
    if state.client_encoding != "UTF8":  # the pooler dropped it
        session.set_client_encoding("UTF8")
    check(state, settings.schema_name, reading=reading)


def check(state: SessionState, schema: str, *, reading: bool = False) -> None:
    """Raises if a session in this state must not be used, for writing or only for `reading`."""
    if state.read_only and not reading:
        raise _read_only(state)
    if state.server_encoding != "UTF8":
        raise SessionRefused(
            f"the database's encoding is {state.server_encoding}: it cannot store every text",
            "create the database with ENCODING 'UTF8' (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0)",
        )
    if state.replication_role != "origin":
        raise SessionRefused(
            f"session_replication_role is {state.replication_role}: foreign keys and triggers would not hold",
            "ALTER ROLE ... RESET session_replication_role (or the database's, or the server's)",
        )
    if not state.schema_there:
        raise SessionRefused(
            f"there is no schema {schema} in the database (postgres.schema)", f"CREATE SCHEMA {schema}, or name another"
        )
    if not state.schema_usable:
        raise SessionRefused(
            f"the role may not use the schema {schema} (postgres.schema)", f"GRANT USAGE ON SCHEMA {schema} TO the role"
        )


def _read_only(state: SessionState) -> Exception:
    if state.standby:
        return errors.ReadOnlySqlTransaction("the server is a standby (in recovery): waiting for one that takes writes")
    whose = _ACCOUNT_SOURCES.get(state.read_only_by or "")
    if whose:
        return SessionRefused(
            f"the session is read-only: default_transaction_read_only is on for this {whose}",
            "ALTER ROLE ... RESET default_transaction_read_only, or connect as a role that may write",
        )
    return errors.ReadOnlySqlTransaction(
        "the session is read-only: default_transaction_read_only is on"
        f" ({'for the database' if state.read_only_by == 'database' else 'for the server'})"
    )


def _set_and_ask(session: Session, settings: PostgresSettings, backend: int) -> SessionState:
    parameters = {
        "schema": _quoted(settings.schema_name),
        "lock_timeout": f"{settings.lock_timeout_seconds}s",
        "work_mem": f"{settings.work_mem_mb}MB",
        "backend": backend,
    }
    with session.cursor() as cursor:
        cursor.execute(statement("session/prepare.sql"), parameters)
        row = cursor.fetchone()
        assert row is not None
        return SessionState(*row)


def _check_exclusive(session: Session, dsn: str, another: Callable[[], Session]) -> None:
    """Raises SessionRefused if other sessions get this one's backend between its transactions."""
    with _checking:
        if dsn in _exclusive_sessions:
            return
        if _is_shared(session, another):
            raise SessionRefused(
                "a pooler shares sessions between transactions: advisory locks, temporary tables and settings would not"
                " be exclusive",
                "connect to PostgreSQL itself, or to a pool in session mode (pgbouncer: pool_mode = session)",
            )
        _exclusive_sessions.add(dsn)


def _is_shared(session: Session, another: Callable[[], Session]) -> bool:
    first_backend = _backend(session)
    with ExitStack() as opened:
        for _ in range(_SECOND_SESSIONS):
            second = opened.enter_context(closing(another()))
            try:
                # Its transaction stays open: if it got a shared backend, the first session has lost it.
                second_backend = _backend(second)
            except psycopg2.OperationalError as error:
                _backend(session)  # if this one fails too, PostgreSQL is down
                raise SessionRefused(
                    f"the pooler gives no second session with a transaction beside an open one: {first_line(error)}",
                    "connect to PostgreSQL itself, or to a pool in session mode that is large enough",
                ) from error
            if second_backend == first_backend or _backend(session) != first_backend:
                return True
    return False


def _backend(session: Session) -> int:
    with session.cursor() as cursor:
        cursor.execute(statement("session/backend.sql"))
        (number,) = cursor.fetchone() or (0,)
        return int(number)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
