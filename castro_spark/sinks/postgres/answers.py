"""A connection that does not wait for an answer for ever.

TCP notices a peer that is gone (keepalives, tcp_user_timeout; see connection.py), but not one whose kernel still
acknowledges: a frozen server process, a proxy that has lost the other side. So one thread a process looks at how long
each session has waited, and shuts the socket of one that has waited too long, which ends the call with an error.
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

_LOOK_SECONDS = 0.5
R = TypeVar("R")


class Session(psycopg2.extensions.connection):
    """A connection whose calls end with an OperationalError where `answer_seconds` pass without an answer."""

    answer_seconds: float = 0.0  # 0: it waits for ever

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._lock = Lock()
        self._asked: float | None = None
        self._given_up = False
        self.cursor_factory = _Cursor

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Whatever waits for the server, within this, is bounded."""
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
        """Shuts the socket where the answer is overdue; called by the watching thread."""
        with self._lock:  # so the connection cannot be closed, and its descriptor be another's, meanwhile
            if self._asked is None or not self.answer_seconds or self._given_up:
                return
            if time.monotonic() - self._asked < self.answer_seconds:
                return
            self._given_up = True
            with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self.fileno())) as held:
                held.shutdown(socket.SHUT_RDWR)

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
    """The cursor of a Session; a named one asks the server for each further part of its rows."""

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
    """The sessions of this process, and the thread that looks at them; made with the first of them."""

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
        """In a fork: the sessions are those of the parent."""
        self._sessions, self._lock, self._thread = WeakSet(), Lock(), None

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                sessions = list(self._sessions)
            for session in sessions:
                if not session.closed:
                    session.give_up_if_overdue()


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.forget)


def bound(session: Session, seconds: float) -> None:
    """From now on the session waits `seconds` for an answer, at most."""
    session.answer_seconds = seconds
    _watch.add(session)
