"""What a session must be before anything is written through it: set, waited for, or refused in words.

Set (sql/session/prepare.sql): everything that a session may set for itself. Waited for as an outage: a server that is
read-only (a standby, maintenance). Refused: what somebody must mend, each with what to do.

A pooler that gives each transaction whatever backend is free breaks advisory locks, temporary tables and settings.
One is noticed by this: PostgreSQL tells a client at connect which backend it has, and a pooler tells a number of its
own. Then, once a process, a second session is opened beside the first, whose backend must not be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from threading import Lock

import psycopg2
from psycopg2 import errors

from castro_spark.errors import SessionRefused, first_line
from castro_spark.servers import PostgresSettings
from castro_spark.sinks.postgres.answers import Session
from castro_spark.sinks.postgres.sql_files import statement

_SECOND_SESSIONS = 3  # beside the first; a busy pool may miss one
# Where PostgreSQL says the read-only default comes from, if it belongs to the account or to this process.
_OF_THE_ACCOUNT = {
    "user": "role",
    "database user": "role in this database",
    "client": "connection (options in the DSN, or PGOPTIONS)",
}
_own_sessions: set[str] = set()  # DSNs behind a pooler whose sessions were found to be ours alone
_checking = Lock()


@dataclass(frozen=True)
class SessionState:
    """What PostgreSQL tells of a session (sql/session/prepare.sql)."""

    backend: int
    server_encoding: str
    client_encoding: str
    replication_role: str
    schema_there: bool
    schema_usable: bool
    read_only: bool
    standby: bool
    read_only_by: str | None  # the source of default_transaction_read_only, as in pg_settings; asked where read_only


def prepare(session: Session, settings: PostgresSettings, another: Callable[[], Session]) -> None:
    """Makes a session (in autocommit) what the jobs need; `another` opens one more like it.

    Raises SessionRefused, or ReadOnlySqlTransaction, which may pass.
    """
    state = _set_and_ask(session, settings, session.info.backend_pid)
    if state.backend != session.info.backend_pid:
        _check_own(session, settings.dsn, another)
        state = _set_and_ask(session, settings, 0)
    if state.client_encoding != "UTF8":  # the pooler forgot it
        session.set_client_encoding("UTF8")
    check(state, settings.schema_name)


def check(state: SessionState, schema: str) -> None:
    """Raises where a session in this state must not be used."""
    if state.read_only:
        raise _read_only(state)
    if state.server_encoding != "UTF8":
        raise SessionRefused(
            f"the database's encoding is {state.server_encoding}: it cannot hold every text that comes",
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
    whose = _OF_THE_ACCOUNT.get(state.read_only_by or "")
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
    wanted = {
        "schema": _quoted(settings.schema_name),
        "lock_timeout": f"{settings.lock_timeout_seconds}s",
        "work_mem": f"{settings.work_mem_mb}MB",
        "backend": backend,
    }
    with session.cursor() as cursor:
        cursor.execute(statement("session/prepare.sql"), wanted)
        row = cursor.fetchone()
        assert row is not None
        return SessionState(*row)


def _check_own(session: Session, dsn: str, another: Callable[[], Session]) -> None:
    """Raises SessionRefused where other sessions get this one's backend between its transactions."""
    with _checking:
        if dsn in _own_sessions:
            return
        if _is_shared(session, another):
            raise SessionRefused(
                "a pooler shares sessions between transactions: advisory locks, temporary tables and settings would be"
                " anybody's",
                "connect to PostgreSQL itself, or to a pool in session mode (pgbouncer: pool_mode = session)",
            )
        _own_sessions.add(dsn)


def _is_shared(session: Session, another: Callable[[], Session]) -> bool:
    mine = _backend(session)
    with ExitStack() as opened:
        for _ in range(_SECOND_SESSIONS):
            second = opened.enter_context(closing(another()))
            try:
                # Its transaction stays open, so a shared backend that it got is not the first session's any more.
                theirs = _backend(second)
            except psycopg2.OperationalError as error:
                _backend(session)  # where this one has no answer either, PostgreSQL is away
                raise SessionRefused(
                    f"beside an open session, the pooler gives none that may hold a transaction: {first_line(error)}",
                    "connect to PostgreSQL itself, or to a pool in session mode that is large enough",
                ) from error
            if theirs == mine or _backend(session) != mine:
                return True
    return False


def _backend(session: Session) -> int:
    with session.cursor() as cursor:
        cursor.execute(statement("session/backend.sql"))
        (number,) = cursor.fetchone() or (0,)
        return int(number)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
