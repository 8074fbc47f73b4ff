"""The connection that a stream's commits share: opened on demand, reopened after it broke, with retries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event
from typing import TypeVar

import psycopg2
import pyarrow as pa

from castro_spark.errors import SessionRefused, first_line
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.merging.statements import Statements
from castro_spark.sinks.postgres.connection import Connection, connect, outlast_outages
from castro_spark.sinks.postgres.schema.working_tables import TEMPORARY
from castro_spark.streams.declaration import StreamDeclaration

T = TypeVar("T")
log = logging.getLogger(__name__)


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
        self._ahead: int | None = None
        self.copied: int | None = None  # within `transaction`: the attempt that `copy_ahead` copied into it

    def copy_ahead(self, parsed: Sequence[pa.RecordBatch]) -> bool:
        """Begins the next transaction by copying records into the temporary tables.

        False if that fails, for whatever reason: the transaction then begins anew, without them.
        """
        attempt = staging.new_attempt()
        try:
            connection = self._open()
            for batch in parsed:
                staging.copy_parsed(connection, self.stream, batch, attempt, TEMPORARY)
        except (psycopg2.Error, SessionRefused) as error:
            log.debug("not copied ahead: %s", first_line(error))
            self.close()
            return False
        self._ahead = attempt
        return True

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction; retries transient errors for up to `patience` seconds.

        `work` itself must detect an earlier attempt that was committed although COMMIT's answer was lost. Only the
        first try has what was copied ahead.
        """
        for attempt in outlast_outages(self._patience, self._stopping):
            with attempt:
                try:
                    connection = self._open()
                    self.copied, self._ahead = self._ahead, None
                    with connection:
                        return work(connection)
                except (psycopg2.Error, SessionRefused):
                    self.close()
                    raise
        raise AssertionError("unreachable: the retrying reraises")

    def close(self) -> None:
        """Closes the connection; the next transaction opens a new one."""
        self._ahead = None
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
