"""A connection with a bound on the time to wait for the server's answer.

TCP detects a dead peer (keepalives, tcp_user_timeout; see connection.py), but not one whose kernel still acknowledges:
a frozen server process, a proxy that has lost its backend. So one watchdog thread per process checks how long each
session has been waiting and shuts down the socket of an overdue one, which ends the call with an error.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg2
import psycopg2.extensions

_CHECK_SECONDS = 0.5
R = TypeVar("R")


class Session(psycopg2.extensions.connection):
    """A connection whose calls raise OperationalError after `answer_seconds` without an answer."""

    answer_seconds: float = 0.0  # 0: no bound

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._lock = Lock()
        self._asked: float | None = None
        self._given_up = False
        self.cursor_factory = _Cursor

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Bounds every wait for the server within this context."""
        if self._asked is not None:  # within another call
            yield
            return
        self._asked = time.monotonic()
        try:
            yield
        except psycopg2.Error as error:
            if self._given_up:
                raise psycopg2.OperationalError(
                    f"PostgreSQL gave no answer for {self.answer_seconds:g} s: the connection was given up"
                ) from error
            raise
        finally:
            with self._lock:
                self._asked = None

    def give_up_if_overdue(self) -> None:
        """Shuts down the socket if the answer is overdue; called by the watchdog thread."""
        with self._lock:  # else the connection could be closed meanwhile, and its descriptor reused
            if self._asked is None or not self.answer_seconds or self._given_up:
                return
            if time.monotonic() - self._asked < self.answer_seconds:
                return
            self._given_up = True
            with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self.fileno())) as duplicate:
                duplicate.shutdown(socket.SHUT_RDWR)

    def commit(self) -> None:
        with self.asking():
            super().commit()

    def rollback(self) -> None:
        with self.asking():
            super().rollback()

    def __exit__(self, *raised: Any) -> None:
        with self.asking():
            super().__exit__(*raised)


class _Cursor(psycopg2.extensions.cursor):
    """The cursor of a Session; a named (server-side) cursor makes a round trip per fetch."""

    def execute(self, *args: Any, **named: Any) -> None:
        self._ask(super().execute, *args, **named)

    def executemany(self, *args: Any, **named: Any) -> None:
        self._ask(super().executemany, *args, **named)

    def copy_expert(self, *args: Any, **named: Any) -> None:
        self._ask(super().copy_expert, *args, **named)

    def fetchmany(self, *args: Any, **named: Any) -> list[tuple[Any, ...]]:
        return self._ask(super().fetchmany, *args, **named)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._ask(super().fetchall)

    def _ask(self, call: Callable[..., R], *args: Any, **named: Any) -> R:
        session = self.connection
        assert isinstance(session, Session)
        with session.asking():
            return call(*args, **named)


class _Watch:
    """The sessions of this process and their watchdog thread, started with the first session."""

    def __init__(self) -> None:
        self._sessions: WeakSet[Session] = WeakSet()
        self._lock = Lock()
        self._thread: Thread | None = None

    def add(self, session: Session) -> None:
        with self._lock:
            self._sessions.add(session)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="castro answers", daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """After a fork: the sessions belong to the parent."""
        self._sessions, self._lock, self._thread = WeakSet(), Lock(), None

    def _run(self) -> None:
        while True:
            time.sleep(_CHECK_SECONDS)
            with self._lock:
                sessions = list(self._sessions)
            for session in sessions:
                if not session.closed:
                    session.give_up_if_overdue()


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.forget)


def bound(session: Session, seconds: float) -> None:
    """Bounds the session's waits for an answer to `seconds` from now on."""
    session.answer_seconds = seconds
    _watch.add(session)
