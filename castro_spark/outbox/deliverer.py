"""Delivers the outbox in threads of this process: `start` and `close`, or a `with` block.

One thread waits for commits (LISTEN) and looks every `alerts.outbox.poll_seconds` for what is due; one thread per
channel delivers. So no channel waits for another, and no commit for any. Any number of processes may do so at once.
Errors are logged and retried; none reaches the caller.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from threading import Event, Lock, Thread

from psycopg2 import sql

from castro_spark.channels.build import channels as configured_channels
from castro_spark.channels.channel import Channel
from castro_spark.counted import counted
from castro_spark.errors import first_line
from castro_spark.outbox import claims
from castro_spark.outbox.worker import Tally, Worker
from castro_spark.process.component import Component, State
from castro_spark.sections.alerts import OutboxSettings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.outbox import WAKE

log = logging.getLogger(__name__)
_RECONNECT_SECONDS = 2.0
_PRUNE_SECONDS = 3600.0
_ROWS_PER_STEP = 1000
_CLOSE_SECONDS = 5.0  # an attempt that takes longer is made again once its lease is over


class Deliverer:
    """Delivers from `start` until `close`."""

    def __init__(self, settings: Settings, channels: Mapping[str, Channel] | None = None) -> None:
        """`channels`: those of the settings, unless given. Raises SettingsError."""
        self._postgres = settings.postgres
        self._outbox: OutboxSettings = settings.alerts.outbox
        self.workers = _workers(settings, configured_channels(settings) if channels is None else channels)
        self._stopping = Event()  # look once more, then end
        self._closed = Event()  # begin no further attempt
        self._wakes = {name: Event() for name in self.workers}
        self._nudged, self._nudge = socket.socketpair()
        self._threads = [Thread(target=self._dispatch, name="castro outbox", daemon=True)] + [
            Thread(target=self._work, args=(worker,), name=f"castro outbox {name}", daemon=True)
            for name, worker in self.workers.items()
        ]
        self.component = Component("outbox")
        self._counting, self._delivered = Lock(), 0
        self._unknown: set[str] = set()
        self._pruned_at = -_PRUNE_SECONDS

    def start(self) -> None:
        """Starts the threads. Does not wait for PostgreSQL."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Delivers what is due now, and ends the threads: within seconds, whatever hangs. What is left stays due."""
        self._stopping.set()
        self._nudge.send(b"x")
        for wake in self._wakes.values():
            wake.set()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        self._closed.set()
        if not self._threads[0].is_alive():
            self._nudge.close()
            self._nudged.close()
        self.component.enter(State.STOPPED)

    def __enter__(self) -> Deliverer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _dispatch(self) -> None:
        trouble = ""
        while not self._stopping.is_set():
            try:
                with closing(connect(self._postgres, "castro_spark outbox")) as connection:
                    connection.autocommit = True
                    with connection.cursor() as cursor:
                        cursor.execute(sql.SQL("LISTEN {}").format(sql.Identifier(WAKE)))
                    if trouble:
                        log.warning("alerts: the outbox is read again")
                    trouble = ""
                    self.component.running()
                    while not self._stopping.is_set():
                        self._wake_workers(connection)
                        self._prune(connection)
                        self._wait(connection)
            except Exception as error:  # noqa: BLE001 - nothing here may end the process
                if not trouble:
                    log.warning("alerts: the outbox is not read: %s; it is retried", first_line(error))
                trouble = first_line(error) or type(error).__name__
                self.component.failing("postgres_unavailable", trouble)
                self._stopping.wait(_RECONNECT_SECONDS)

    def _wake_workers(self, connection: Connection) -> None:
        for channel, count in claims.due(connection).items():
            if channel in self._wakes:
                self._wakes[channel].set()
            elif channel not in self._unknown:
                self._unknown.add(channel)
                _tell_of_unknown(channel, count)

    def _wait(self, connection: Connection) -> None:
        """Until a commit put messages, or the poll is due."""
        if not connection.notifies:  # one may have come with the answer to the last query
            select.select([connection.fileno(), self._nudged.fileno()], [], [], self._outbox.poll_seconds)
            connection.poll()
        connection.notifies.clear()

    def _prune(self, connection: Connection) -> None:
        if time.monotonic() - self._pruned_at < _PRUNE_SECONDS:
            return
        while not self._stopping.is_set() and claims.prune(connection, self._outbox.retention_days, _ROWS_PER_STEP):
            pass
        self._pruned_at = time.monotonic()

    def _work(self, worker: Worker) -> None:
        wake, trouble = self._wakes[worker.name], ""
        while True:
            wake.wait()
            wake.clear()
            last = self._stopping.is_set()
            try:
                if not worker.is_paused:  # else a later look wakes it again
                    tally = worker.deliver_due(self._closed)
                    with self._counting:
                        self._delivered += tally.delivered
                        self.component.progressed(delivered=self._delivered)
                trouble = ""
            except Exception as error:  # noqa: BLE001 - retried at the next look
                if not trouble:
                    log.warning("alerts: channel %s: %s; it is retried", worker.name, first_line(error))
                trouble = first_line(error) or type(error).__name__
            if last:
                return


def deliver_once(settings: Settings, channels: Mapping[str, Channel] | None = None) -> dict[str, Tally]:
    """Delivers what is due now, all channels at once, and ends. A channel that fails is left at its first failure.

    Raises what PostgreSQL raises.
    """
    workers = _workers(settings, configured_channels(settings) if channels is None else channels)
    tallies: dict[str, Tally] = {}
    errors: list[Exception] = []

    def run(worker: Worker) -> None:
        try:
            tallies[worker.name] = worker.deliver_due(Event())
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)

    with closing(connect(settings.postgres, "castro_spark outbox")) as connection:
        for channel, count in claims.due(connection).items():
            if channel not in workers:
                _tell_of_unknown(channel, count)
    threads = [Thread(target=run, args=(worker,), name=f"castro outbox {name}") for name, worker in workers.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return dict(sorted(tallies.items()))


def _tell_of_unknown(channel: str, count: int) -> None:
    waits = counted(count, "message waits", "messages wait")
    log.warning("alerts: %s for channel %s, which alerts.channels lacks", waits, channel)


def _workers(settings: Settings, channels: Mapping[str, Channel]) -> dict[str, Worker]:
    return {
        name: Worker(
            name, channel, settings.alerts.enabled[name].timeout_seconds, settings.alerts.outbox, settings.postgres
        )
        for name, channel in channels.items()
    }
