"""Delivers the messages of one channel.

Guarantee: each message is sent at least once, always with the same id. It is marked as delivered only after the channel
has taken it; between the two a killed process, a lost connection or an overlong attempt causes a repetition.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Event

from castro_spark.channels.channel import Channel, Refused, Unavailable
from castro_spark.counted import counted
from castro_spark.errors import first_line
from castro_spark.outbox import claims
from castro_spark.outbox.bounded import BoundedCalls
from castro_spark.outbox.claims import Claim
from castro_spark.outbox.verdict import verdict, wait_seconds
from castro_spark.sections.alerts import OutboxSettings
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import Connection, connect, outlast_outages

log = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0  # of a channel that fails: so soon its recovery is noticed
_MARGIN = 30.0  # of a lease, beyond the longest attempt
_SETTLING_SECONDS = 20.0  # below the margin: afterwards another process may have the message


@dataclass
class Tally:
    """What a worker did."""

    delivered: int = 0
    failed: int = 0
    dead: int = 0


class Worker:
    """One channel's worker; `deliver_due` is called by one thread at a time."""

    def __init__(
        self, name: str, channel: Channel, timeout_seconds: float, settings: OutboxSettings, postgres: PostgresSettings
    ) -> None:
        self.name = name
        self._channel = channel
        self._limit = 2 * timeout_seconds  # connecting and answering may each take that long
        self._settings = settings
        self._postgres = postgres
        self._calls = BoundedCalls(name)
        self._failures = 0  # since the last success
        self._paused_until = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether the channel is left alone for a while, because it fails."""
        return time.monotonic() < self._paused_until

    def deliver_due(self, stopping: Event) -> Tally:
        """Delivers what is due until nothing is left, the channel fails, or `stopping` is set.

        Raises what PostgreSQL raises (connection.PASSING). Afterwards nothing is half done: a lease ends by itself.
        """
        tally = Tally()
        if self._calls.is_stuck:
            self._pause()
            log.error("alerts: channel %s hangs, and ignores its time-outs; its messages wait", self.name)
            tally.failed += 1
            return tally
        with closing(connect(self._postgres, f"castro_spark outbox {self.name}")) as connection:
            while not stopping.is_set():
                claimed = claims.claim(connection, self.name, self._limit + _MARGIN)
                if claimed is None or not self._deliver(connection, claimed, tally):
                    break
        return tally

    def _deliver(self, connection: Connection, claimed: Claim, tally: Tally) -> bool:
        """One attempt; False if the channel fails, and is left alone for a while."""
        try:
            self._calls.run(lambda: self._send(claimed), self._limit)
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, the message has a fate
            return self._failed(connection, claimed, error, tally)
        self._settle(connection, lambda session: claims.delivered(session, claimed), claimed)
        tally.delivered += 1
        if self._failures:
            log.warning("alerts: channel %s works again", self.name)
            claims.hurry(connection, self.name)
        self._failures, self._paused_until = 0, 0.0
        return True

    def _send(self, claimed: Claim) -> None:
        if claimed.attempt > self._settings.attempts:  # each earlier one ended with its process
            raise Refused(f"{counted(claimed.attempt - 1, 'attempt')} ended without a result")
        self._channel.send(claimed.message)

    def _failed(self, connection: Connection, claimed: Claim, error: Exception, tally: Tally) -> bool:
        conf = self._settings
        fate = verdict(
            error, claimed.attempt, conf.attempts, conf.retry_first_seconds, conf.retry_most_seconds, random.random()
        )
        wait = fate.wait
        if not isinstance(error, Unavailable | Refused):
            log.exception("alerts: channel %s, message %d", self.name, claimed.id, exc_info=error)
        if wait is None:
            tally.dead += 1
            log.error("alerts: message %d by %s is a dead letter: %s", claimed.id, self.name, fate.error)
            self._settle(connection, lambda session: claims.dead(session, claimed, fate.error), claimed)
        else:
            tally.failed += 1
            log.warning(
                "alerts: message %d by %s, attempt %d: %s; tried again in %.0f s",
                claimed.id, self.name, claimed.attempt, fate.error, wait,
            )  # fmt: skip
            self._settle(connection, lambda session: claims.retry_later(session, claimed, fate.error, wait), claimed)
        if isinstance(error, Refused):
            return True  # the channel itself works
        self._failures += 1
        self._pause()
        return False

    def _pause(self) -> None:
        conf = self._settings
        most = min(_LONGEST_PAUSE, conf.retry_most_seconds)
        self._paused_until = time.monotonic() + wait_seconds(max(1, self._failures), conf.retry_first_seconds, most, 0)

    def _settle(self, connection: Connection, write: Callable[[Connection], bool], claimed: Claim) -> None:
        """Writes the result, by a new connection if this one is lost."""
        try:
            kept = write(connection)
        except Exception as error:  # noqa: BLE001 - tried again below; what lasts is raised there
            log.warning("alerts: the result of message %d is not written yet: %s", claimed.id, first_line(error))

            def again() -> bool:
                with closing(connect(self._postgres, f"castro_spark outbox {self.name}")) as session:
                    return write(session)

            kept = outlast_outages(_SETTLING_SECONDS)(again)
        if not kept:
            log.warning("alerts: message %d was discarded, or its lease was lost: another process sends it", claimed.id)
