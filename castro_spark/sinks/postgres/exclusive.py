"""Mutual exclusion of processes: a session-level advisory lock (`ExclusiveLock`: on a connection of its own).

Guarantee: one session holds the lock until it releases it or PostgreSQL ends the session. A holder whose connection
broke unnoticed may overlap with the next one: `check` detects that, and the holder's writes must tolerate two writers.
"""

from __future__ import annotations

import psycopg2.extensions

from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import Connection, connect


def try_lock(cursor: psycopg2.extensions.cursor, what: str, of: str) -> bool:
    """Tries to take the lock on `what` (of one stream or table); False if another session has it.

    The lock outlives the transaction; the session may take it more than once.
    """
    cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (f"castro_spark.{what}", of))
    (taken,) = cursor.fetchone() or (False,)
    return bool(taken)


class ExclusiveLock:
    """The lock on `what` ("archive", say) of one stream."""

    def __init__(self, settings: PostgresSettings, what: str, stream: str) -> None:
        self._settings = settings
        self._what, self._stream = what, stream
        self._name = f"castro_spark {stream} {what}"
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Tries to take the lock; False if another session has it."""
        if self._connection is None:
            self._connection = connect(self._settings, self._name)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            return try_lock(cursor, self._what, self._stream)

    def check(self) -> None:
        """Raises (connection.PASSING) if the session with the lock is gone."""
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def release(self) -> None:
        """Releases the lock; a no-op without one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
