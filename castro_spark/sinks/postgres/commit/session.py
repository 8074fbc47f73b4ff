"""The connection that a stream's commits share: opened on demand, reopened after it broke, with retries."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import TypeVar

import psycopg2

from castro_spark.errors import SessionRefused
from castro_spark.servers import PostgresSettings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.merging.statements import Statements
from castro_spark.sinks.postgres.connection import Connection, connect, outlast_outages
from castro_spark.streams.declaration import StreamDeclaration

T = TypeVar("T")


class CommitSession:
    """Runs one stream's transactions on one connection with its temporary tables. Not thread-safe."""

    def __init__(
        self,
        settings: PostgresSettings,
        stream: StreamDeclaration,
        statements: Statements,
        *,
        patience: float,
        stopping: Event | None = None,
        out_of_band: bool = False,
    ) -> None:
        self.stream = stream
        self.statements = statements
        self._settings = settings
        # end_frozen_writers.sql tells the stream's writer from others by this name.
        self._application = f"castro_spark {stream.name}" + (" out-of-band" if out_of_band else "")
        self._patience = patience
        self._stopping = stopping
        self._connection: Connection | None = None

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction; retries transient errors for up to `patience` seconds.

        `work` itself must detect an earlier attempt that was committed although COMMIT's answer was lost.
        """
        for attempt in outlast_outages(self._patience, self._stopping):
            with attempt:
                try:
                    connection = self._open()
                    with connection:
                        return work(connection)
                except (psycopg2.Error, SessionRefused):
                    self.close()
                    raise
        raise AssertionError("unreachable: the retrying reraises")

    def close(self) -> None:
        """Closes the connection; the next transaction opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            connection = connect(self._settings, self._application)
            staging.create_temporary_tables(connection, self.stream)
            with connection, connection.cursor() as cursor:
                cursor.execute(self.statements.create_temporary)
            self._connection = connection
        return self._connection
