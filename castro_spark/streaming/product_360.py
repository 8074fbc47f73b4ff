"""Keeps ml_product_360 and product:360:{code} up to date while the streams run.

Every few seconds it recomputes the products that the streams have touched since, after an extract those whose master
data or stock levels changed, and after local midnight all products, because every window has moved. It reads only
committed data and takes no lock that a stream waits for, so it can neither delay nor fail a stream.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import date, datetime
from threading import Event

import redis

from castro_spark.errors import first_line
from castro_spark.process.component import Component, State
from castro_spark.projection.product_360 import EPOCH, entry
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.sinks.postgres.product_360 import refresh as sink
from castro_spark.sinks.postgres.product_360 import state
from castro_spark.sinks.postgres.product_360.master_data import MasterTables, master_tables
from castro_spark.sinks.postgres.product_360.rows import Fields, all_rows
from castro_spark.sinks.redis.hashes import ALL, NOT_NEWER, WHATEVER_THE_MARKER, Superseded, VersionedHashes
from castro_spark.sinks.redis.keys import PRODUCT_360_PATTERN
from castro_spark.sinks.redis.trouble import in_words

log = logging.getLogger(__name__)
_NEWEST = (10**15 - 1, 10**15 - 1)


class Product360:
    """Refreshes the view. One application refreshes at a time; another takes over when that one ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hashes = VersionedHashes(settings.redis, state.NAME, (PRODUCT_360_PATTERN,))
        self._connection: Connection | None = None
        self.component = Component(state.NAME)
        self._trouble = ""
        self._redis_failed = False

    def run(self, stopping: Event) -> None:
        """Refreshes until `stopping` is set. Errors are logged once and retried."""
        while not stopping.wait(self._settings.product_360.refresh_seconds):
            try:
                self.refresh(stopping)
            except Exception as error:  # noqa: BLE001 - no error here may end a stream
                self._log_trouble(first_line(error))
                self._disconnect()

    def refresh(self, stopping: Event | None = None) -> int:
        """Runs one refresh if this application is the refresher; returns the number of products recomputed.

        With `stopping` it pauses between chunks, to leave CPU time to the streams, and ends early when that is set.
        """
        connection, started = self._open(), time.monotonic()
        if not state.is_migrated(connection) or not state.become_refresher(connection):
            self.component.progressed(refreshes=False)  # another application does, or the tables are not there
            self.component.running()
            return 0
        as_of = datetime.now(self._settings.zone).date()
        tables = master_tables(connection, self._settings.product_360)
        pending = state.look(connection, as_of, tables)
        self._redis_failed = False
        for products in self._chunks(pending.products):
            began = time.monotonic()
            self._refresh(connection, products, as_of, tables)
            if stopping is not None and stopping.wait(self._pause(time.monotonic() - began)):
                return 0  # nothing is recorded as seen: the next start repeats this refresh
        self.component.progressed(refreshes=True)
        if pending.products or pending.seen != state.state(connection)[1]:
            state.note_seen(connection, pending.seen)
        if pending.products:
            self.component.progressed(
                stages={"refreshed": time.monotonic() - started}, products=len(pending.products)
            )
        try:
            self._repair_redis(connection)
        except redis.RedisError as error:
            self._hashes.disconnect()
            self._log_trouble(in_words(error, self._settings.redis))
        else:
            self._log_trouble("")
        return len(pending.products)

    def refresh_last(self) -> None:
        """One refresh at the end of a run. A failure is logged, and the next run's refresh makes up for it."""
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001 - no error here may fail a run whose streams succeeded
            self._log_trouble(first_line(error))

    def rebuild(self, overwrite: str = WHATEVER_THE_MARKER) -> int:
        """Writes every hash from the table and removes older hashes; returns the number written.

        With `ALL` it removes newer hashes too: those of a later state than the one the database was restored to.
        """
        with closing(connect(self._settings.postgres, "castro_spark product_360 cache", long=True)) as connection:
            if not state.is_migrated(connection):
                return 0
            # One snapshot: all hashes are of the same state.
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                cursor.execute("SELECT revision FROM castro.product_360")
                (revision,) = cursor.fetchone() or (0,)
            written = sum(self._write(rows, revision, overwrite) for rows in all_rows(connection))
        self._hashes.remove_others((EPOCH, revision), (EPOCH, revision) if overwrite == ALL else _NEWEST)
        self._hashes.mark(EPOCH, revision, overwrite=overwrite)
        return written

    def close(self) -> None:
        self.component.enter(State.STOPPED)
        self._disconnect()
        self._hashes.close()

    def _refresh(self, connection: Connection, products: list[str], as_of: date, tables: MasterTables) -> None:
        refreshed = sink.refresh(connection, products, as_of, tables)
        if self._redis_failed:
            return
        self._redis_failed = True  # reset below; after a failure no further chunk of this refresh tries Redis
        with suppress(redis.RedisError, Superseded):  # PostgreSQL continues; `_repair_redis` reports it
            if self._hashes.published() == (EPOCH, refreshed.before):
                self._write([(code, refreshed.at, fields) for code, fields in refreshed.rows], refreshed.revision)
                self._hashes.mark(EPOCH, refreshed.revision)
            self._redis_failed = False

    def _repair_redis(self, connection: Connection) -> None:
        """Rebuilds the hashes if Redis lost its data, or a process died between PostgreSQL and Redis."""
        revision, _, _ = state.state(connection)
        published = self._hashes.published()
        if revision and published != (EPOCH, revision):
            self.rebuild(ALL if published and published[1] > revision else WHATEVER_THE_MARKER)

    def _write(
        self, rows: Sequence[tuple[str, datetime, Fields | None]], revision: int, overwrite: str = NOT_NEWER
    ) -> int:
        entries = (entry(code, at, fields, self._settings.redis.ttl) for code, at, fields in rows)
        return self._hashes.write(entries, EPOCH, revision, overwrite)

    def _pause(self, worked: float) -> float:
        share = self._settings.product_360.share_of_a_core
        return worked * (1 - share) / share

    def _chunks(self, products: list[str]) -> Iterator[list[str]]:
        size = self._settings.product_360.products_per_commit
        for start in range(0, len(products), size):
            yield products[start : start + size]

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._settings.postgres, "castro_spark product_360")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(*PASSING):
                self._connection.close()
            self._connection = None

    def _log_trouble(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("product_360 is not refreshed: %s; the streams continue, it is retried", trouble)
        elif self._trouble and not trouble:
            log.warning("product_360 is refreshed again")
        self._trouble = trouble
        if trouble:
            self.component.failing("retrying", trouble)
        else:
            self.component.running()
