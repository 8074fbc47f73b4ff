"""Decides how long a small micro-batch goes on with the records that come after it.

Spark plans each micro-batch anew and writes two files for it: some 20 ms of a core, and its records wait for that. At
rest it asks the brokers four times a second. So a small micro-batch does not end with its own records: the writer waits
in the driver's consumer for those that follow, and commits them as further slices. The ledger has where the stream is,
as always; Spark's checkpoint follows when the next micro-batch begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

from castro_spark.streaming.microbatch.slices import Positions

_LONGEST_SECONDS = 10.0  # then Spark records what was committed after its micro-batch
_WAIT_SECONDS = 0.25  # for records; then it looks whether to stop
# After a slice it rests as long as the slice took, for more records: each commit costs tens of milliseconds of a core
# whatever its size. On a busy machine, where all takes longer, commits then become fewer and larger.
_LONGEST_REST_SECONDS = 0.25
_MANY = 2_000  # offsets that came at once: there is a backlog, for which Spark plans larger micro-batches


class Following(Protocol):
    """What brings the records (sources/kafka/followed.py)."""

    def more(self, starts: Positions, seconds: float, rest_until: float) -> dict[int, int] | None: ...


class Linger:
    """Of one run of a stream; without `followed` it waits for nothing. `begin` and `more` are for the stream's thread,
    the others for any.

    Guarantee: it only waits. What comes is read, confirmed and committed like every slice.
    """

    def __init__(
        self, followed: Following | None, stopping: Event, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`most`: the offsets that Spark plans at once: it must keep up with what is committed here."""
        self._followed = followed
        self._stopping = stopping
        self._clock = clock
        self._most = most // 2
        self._stopped, self._turn = Event(), Event()
        self._began = self._last_came = 0.0
        self._came = 0
        self._missing: Positions = {}  # where partitions were that did not reach their ends at the last look

    def begin(self) -> None:
        """A micro-batch has been committed."""
        self._began = self._last_came = self._clock()
        self._came = 0

    def more(self, positions: Positions) -> dict[int, int] | None:
        """Waits for records at `positions`; returns where those end that came. None: it is Spark's turn.

        It is if the stream is to stop, if the records cannot be read here, in a backlog, and after a while in which
        records came, or many of them, so that Spark's checkpoint follows. While none come there is nothing to record,
        and it waits on.
        """
        if self._followed is None:
            return None
        now = self._clock()
        rest_until = now + min(now - self._last_came, _LONGEST_REST_SECONDS)
        while not self._is_sparks_turn():
            ends = self._followed.more(positions, _WAIT_SECONDS, rest_until)
            if ends is None:
                return None
            if came := sum(end - positions[p] for p, end in ends.items()):
                self._came += came
                if came >= _MANY:
                    self.give_turn()
                self._last_came = self._clock()
                return ends
        self._turn.clear()
        return None

    def saw_ends(self, ends: Positions, positions: Positions) -> None:
        """What the brokers say of the topic's ends: what the driver's consumer does not bring is Spark's to find.

        Of a partition that was added, at once; of another one, if it stood still before its end since the last call.
        """
        missing = {p: positions.get(p, 0) for p, end in ends.items() if end > positions.get(p, 0)}
        if missing.keys() - positions.keys() or any(self._missing.get(p) == at for p, at in missing.items()):
            self.give_turn()
        self._missing = missing

    def give_turn(self) -> None:
        """Spark has its turn, once."""
        self._turn.set()

    def stop(self) -> None:
        """Ends the waiting, for good."""
        self._stopped.set()

    def _is_sparks_turn(self) -> bool:
        if self._stopping.is_set() or self._stopped.is_set() or self._turn.is_set():
            return True
        is_over = self._clock() - self._began > _LONGEST_SECONDS
        return self._came > self._most or (self._came > 0 and is_over)
