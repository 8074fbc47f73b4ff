"""One process at a time: an advisory lock of PostgreSQL that a session holds (`ExclusiveLock`: one of its own).

Guarantee: one session holds it until it lets go, or PostgreSQL sees its session end. A holder whose connection
broke without its notice may find a second one beside it: `check` tells, and what is written must bear two writers.
"""

from __future__ import annotations

import psycopg2.extensions

from castro_spark.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import Connection, connect


def try_lock(cursor: psycopg2.extensions.cursor, what: str, of: str) -> bool:
    """Takes the lock on `what` (of one stream or table) unless another session has it; returns whether it is had.

    The session keeps it, whatever becomes of the transaction; it may take it more than once.
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
        """Takes the lock unless another session has it; returns whether it is had."""
        if self._connection is None:
            self._connection = connect(self._settings, self._name)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            return try_lock(cursor, self._what, self._stream)

    def check(self) -> None:
        """Raises (connection.PASSING) where the session that held the lock is gone."""
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def release(self) -> None:
        """Lets go; not to have the lock is no error."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
