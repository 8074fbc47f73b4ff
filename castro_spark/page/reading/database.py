"""The page's sessions with PostgreSQL: read-only, a few, each statement bounded; one snapshot a page.

In one snapshot (REPEATABLE READ) the figures of a page never contradict each other. While PostgreSQL is away a page
costs nothing: after a failure none tries again for a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from threading import BoundedSemaphore, Lock
from typing import Any, cast

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from castro_spark.errors import CastroError, SessionRefused, first_line
from castro_spark.page.reading.trouble import Trouble, TroubleKind
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect, statement

_SESSIONS = 6  # at once
_QUEUE_SECONDS = 5.0
_AGAIN_SECONDS = 1.0  # after a failure to connect


class Snapshot:
    """What PostgreSQL held at one moment: `at`, by its clock. Statements come from files in sql/ (sql/README.md)."""

    def __init__(self, session: Connection, at: datetime) -> None:
        self._session = session
        self.at = at
        self.connection = cast(Connection, _WithinSnapshot(session))
        """For functions that take a connection: their `with connection` does not end the snapshot."""

    def rows(
        self, path: str, parameters: Mapping[str, Any] | None = None, **parts: sql.Composable
    ) -> list[dict[str, Any]]:
        """The rows of the statement in sql/`path`, by column."""
        with self._session.cursor() as cursor:
            cursor.execute(statement(path, **parts), parameters)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(
        self, path: str, parameters: Mapping[str, Any] | None = None, **parts: sql.Composable
    ) -> dict[str, Any] | None:
        """Its first row; None if it has none."""
        return next(iter(self.rows(path, parameters, **parts)), None)


class _WithinSnapshot:
    """A connection of which `with` is a savepoint, and commit and rollback nothing: the snapshot lasts."""

    def __init__(self, session: Connection) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def commit(self) -> None:
        """Nothing was written."""

    def rollback(self) -> None:
        """Nothing was written."""

    def __enter__(self) -> _WithinSnapshot:
        self._run("SAVEPOINT part")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._run("ROLLBACK TO SAVEPOINT part" if kind else "RELEASE SAVEPOINT part")

    def _run(self, text: str) -> None:
        with self._session.cursor() as cursor:
            cursor.execute(text)


class Database:
    """Thread-safe. `snapshot` raises Trouble, which says in words what is wrong, and since when."""

    def __init__(self, settings: Settings) -> None:
        self._page = settings.page
        self._postgres = settings.page.reader(settings.postgres)
        self._timeout = settings.page.statement_timeout_seconds
        self._lock = Lock()
        self._idle: list[Connection] = []
        self._free = BoundedSemaphore(_SESSIONS)
        self._trouble: Trouble | None = None
        self._tried = 0.0
        self._answered_at: datetime | None = None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A snapshot for the time of the context."""
        if not self._free.acquire(timeout=_QUEUE_SECONDS):
            raise Trouble(TroubleKind.BUSY, "all sessions of the page are in use", since=_now())
        try:
            session, snapshot = self._begin()
            try:
                yield snapshot
            except psycopg2.Error as error:
                raise self._note(_trouble_of(error)) from error
            finally:
                self._end(session)
        finally:
            self._free.release()

    def close(self) -> None:
        """Closes the idle sessions."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _begin(self) -> tuple[Connection, Snapshot]:
        with self._lock:
            trouble, reused = self._trouble, self._idle.pop() if self._idle else None
            if trouble and reused is None and time.monotonic() - self._tried < _AGAIN_SECONDS:
                raise trouble.again()
        if reused is not None:
            try:
                return reused, self._started(reused)
            except psycopg2.Error:  # of before PostgreSQL's restart: so are the others
                reused.close()
                self.close()
        session = None
        try:
            session = self._open()
            return session, self._started(session)
        except (psycopg2.Error, CastroError) as error:
            if session is not None:
                session.close()
            trouble = _trouble_of(error)
            trouble.remedy = self._page.reader_remedy(trouble.remedy)
            raise self._note(trouble) from error

    def _open(self) -> Connection:
        session = connect(self._postgres, "castro_spark dashboard", reading=True)
        session.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with session.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", (f"{int(self._timeout * 1000)}ms",))
        session.commit()
        return session

    def _started(self, session: Connection) -> Snapshot:
        with session.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (at,) = cursor.fetchone() or (None,)
        with self._lock:
            self._trouble, self._answered_at = None, at
        return Snapshot(session, at)

    def _end(self, session: Connection) -> None:
        with suppress(psycopg2.Error):
            session.rollback()
            with self._lock:
                if not session.closed and len(self._idle) < _SESSIONS:
                    self._idle.append(session)
                    return
        session.close()

    def _note(self, trouble: Trouble) -> Trouble:
        """Remembers what keeps every page from being served, with the time at which it began."""
        if trouble.kind not in {TroubleKind.AWAY, TroubleKind.REFUSED}:
            return trouble
        with self._lock:
            self._tried = time.monotonic()
            before = self._trouble
            trouble.since = before.since if before else _now()
            trouble.answered_at = self._answered_at
            self._trouble = trouble
        return trouble


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _trouble_of(error: Exception) -> Trouble:
    if isinstance(error, SessionRefused):
        return Trouble(TroubleKind.REFUSED, error.problem, error.remedy)
    if isinstance(error, errors.QueryCanceled):
        return Trouble(TroubleKind.SLOW, first_line(error))
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)):
        return Trouble(TroubleKind.NOT_MIGRATED, first_line(error), "./spark-submit.sh migrate")
    if isinstance(error, errors.InsufficientPrivilege):
        return Trouble(TroubleKind.REFUSED, first_line(error), "grant the role what docs/page.md lists")
    if isinstance(error, psycopg2.OperationalError):
        return Trouble(TroubleKind.AWAY, first_line(error))
    return Trouble(TroubleKind.FAILED, first_line(error))
