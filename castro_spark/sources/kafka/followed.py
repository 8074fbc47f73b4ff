"""Reads a topic's next records by a consumer of this process that stays open: no plan, no task, no JVM.

For a slice of some hundred records a Spark job costs more than everything else that is done with them, and a cold JVM
takes seconds for its first ones. Spark's query decides which offsets a micro-batch has, and this consumer has usually
fetched them by then; or the stream asks it what has come since (`more`).

Guarantee: what is returned is exactly the committed records between two offsets of each partition; or nothing, and then
Spark reads them, and reports what is wrong. Nothing is committed to Kafka.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.ends import native_options
from castro_spark.sources.kafka.untimely import MOST_MILLISECONDS

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 3.0  # without a record, or the end of a partition
_REST_SECONDS = 60.0  # after a failure: Spark reads meanwhile
_WAIT_SECONDS = 0.02  # for so many records as offsets are missing: some offsets have none
_SAME_FETCH_SECONDS = 0.002  # for the other records of a fetch of which the first has come
_NEXT_FETCH_SECONDS = 0.03  # for the first record of a fetch that finds some at once
_MOST_AT_ONCE = 2_000  # records taken from the client
_MOST_HELD = 10_000  # records of a partition beyond the slice's end: it is paused
# The end of a partition; and that the group may not be read, of which nothing is needed: partitions are assigned.
_HARMLESS = {KafkaError._PARTITION_EOF, KafkaError.GROUP_AUTHORIZATION_FAILED}
_OPTIONS: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",  # for Spark to report: records aged out, or the topic ends before
    "isolation.level": "read_committed",
    "enable.partition.eof": True,  # tells that the last offsets of a partition have no records
    "fetch.message.max.bytes": 1 << 20,  # of each partition
    # Nothing is fetched while something waits to be taken: else a topic with a steady load has a request for every few
    # records, which cost the broker more than all else. What is missing at a slice's end comes at once when asked for.
    "queued.min.messages": 1,
    "queued.max.messages.kbytes": 16 << 10,  # of all partitions
    "fetch.queue.backoff.ms": 5,
    "log_level": 0,
}


@dataclass
class _Partition:
    """Where a partition is read: the records from `start` up to `seen` are in `held`, in their order."""

    start: int
    seen: int
    held: list[Message] = field(default_factory=list)
    paused: bool = False

    def skip_to(self, start: int) -> None:
        self.held = [m for m in self.held if _offset(m) >= start]
        self.start = start


class FollowedTopic:
    """The records of one topic, in the order of its offsets. Not thread-safe.

    Raises NotNative if the settings need what librdkafka has not (Kerberos, Java's keystores). `replaced`: options of
    librdkafka, as `native_options` takes them.
    """

    def __init__(self, settings: KafkaSettings, topic: str, group: str, replaced: Mapping[str, str]) -> None:
        self._topic = topic
        self._options = {**native_options(settings, replaced), **_OPTIONS, "group.id": group, "error_cb": _ignore}
        self._consumer: Any = None
        self._partitions: dict[int, _Partition] = {}
        self._not_before = 0.0

    def read(
        self, starts: Mapping[int, int], ends: Mapping[int, int], most_bytes: int
    ) -> tuple[pa.RecordBatch, dict[int, int]] | None:
        """The records from `starts` up to `ends` (exclusive, for every partition in `ends`), and where they end: before
        `ends` once they have about `most_bytes` of keys and values. None: they could not be read.

        Out: partition int, offset bigint, timestamp timestamp, key binary, value binary.
        """
        if not self._works(lambda: self._fetch_up_to(starts, ends, most_bytes)):
            return None
        return self._take(ends)

    def more(self, starts: Mapping[int, int], seconds: float, rest_until: float) -> dict[int, int] | None:
        """Waits up to `seconds` for records at `starts`; if some come, until `rest_until` (time.monotonic) for others.

        The end of a partition may end the wait early. Returns where the records end, in each partition of `starts`;
        `read` has them up to there without waiting. None: they cannot be read.
        """
        if not self._works(lambda: self._wait_for_more(starts, seconds, rest_until)):
            return None
        return {p: max(start, self._partitions[p].seen) for p, start in starts.items()}

    def close(self) -> None:
        """Closes the consumer; the next read opens a new one."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer, self._partitions = None, {}

    def _works(self, reading: Callable[[], None]) -> bool:
        """Whether it can be read; after a failure not for a while."""
        if time.monotonic() < self._not_before:
            return False
        try:
            reading()
        except KafkaException as error:
            log.warning("topic %s: Spark reads instead of librdkafka: %s", self._topic, error.args[0].str())
            self.close()
            self._not_before = time.monotonic() + _REST_SECONDS
            return False
        return True

    def _wait_for_more(self, starts: Mapping[int, int], seconds: float, rest_until: float) -> None:
        self._go_to(starts)
        self._pause(set(), set(starts))
        if any(self._partitions[p].seen > start for p, start in starts.items()):
            seconds = 0.0  # some are held already
        if (first := self._consumer.poll(seconds)) is None:
            return
        rest = rest_until - time.monotonic()
        time.sleep(max(0.0, rest))
        self._hold_all(first, self._consumer.consume(_MOST_AT_ONCE, _SAME_FETCH_SECONDS))
        if rest <= 0.0:
            return  # they came just now
        # Those were fetched when the last ones were taken, so they are few: nothing is fetched while something waits to
        # be taken. All that came since comes with one further fetch.
        if (following := self._consumer.poll(_NEXT_FETCH_SECONDS)) is not None:
            self._hold_all(following, self._consumer.consume(_MOST_AT_ONCE, _SAME_FETCH_SECONDS))

    def _hold_all(self, first: Message, others: Sequence[Message]) -> None:
        for message in (first, *others):
            self._hold(message, {})

    def _fetch_up_to(self, starts: Mapping[int, int], ends: Mapping[int, int], most_bytes: int) -> None:
        self._go_to({p: starts[p] for p in ends})
        self._fetch(ends, most_bytes)

    def _go_to(self, starts: Mapping[int, int]) -> None:
        """Continues at `starts`. What was fetched beyond is kept; the other partitions stay where they are."""
        moved = {}
        for number, start in starts.items():
            known = self._partitions.get(number)
            if known is None or not known.start <= start <= known.seen:
                moved[number] = start
            elif known.start < start:
                known.skip_to(start)
        if moved:
            if self._consumer is None:
                self._consumer = Consumer(self._options)
            if again := [p for p in moved if p in self._partitions]:
                self._consumer.incremental_unassign([TopicPartition(self._topic, p) for p in again])
            self._consumer.incremental_assign([TopicPartition(self._topic, p, o) for p, o in moved.items()])
            self._partitions |= {p: _Partition(offset, offset) for p, offset in moved.items()}

    def _fetch(self, ends: Mapping[int, int], most_bytes: int) -> None:
        """Fetches until everything up to `ends` is held, or `most_bytes`. Raises KafkaException after a failure."""
        size = sum(_size(m) for p, end in ends.items() for m in self._partitions[p].held if _offset(m) < end)
        last, seen = time.monotonic(), self._seen()
        while size < most_bytes and (missing := [p for p, end in ends.items() if self._partitions[p].seen < end]):
            self._pause({p for p in ends if p not in missing}, set(missing))
            # The client waits for as many as are asked for: those that are surely missing.
            most = sum(ends[p] - self._partitions[p].seen for p in missing)
            for message in self._consumer.consume(min(most, _MOST_AT_ONCE), _WAIT_SECONDS):
                size += self._hold(message, ends)
            before, seen = seen, self._seen()
            if seen != before:
                last = time.monotonic()
            elif time.monotonic() - last > _PATIENCE_SECONDS:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no records for {_PATIENCE_SECONDS:g} s"))

    def _seen(self) -> int:
        return sum(partition.seen for partition in self._partitions.values())

    def _hold(self, message: Message, ends: Mapping[int, int]) -> int:
        """Keeps a record; returns its size if it is before the slice's end."""
        number, offset = message.partition(), message.offset()
        error = message.error()
        if error is not None and error.code() not in _HARMLESS:
            raise KafkaException(error)
        if number not in self._partitions or offset is None:
            return 0
        partition = self._partitions[number]
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                partition.seen = max(partition.seen, offset)
            return 0
        if offset < partition.seen:
            return 0
        partition.held.append(message)
        partition.seen = offset + 1
        return _size(message) if offset < ends.get(number, 0) else 0

    def _pause(self, done: set[int], missing: set[int]) -> None:
        """Pauses partitions of which much is held already, while others are waited for."""
        full = [p for p in done if not self._partitions[p].paused and len(self._partitions[p].held) > _MOST_HELD]
        if full:
            self._consumer.pause([TopicPartition(self._topic, p) for p in full])
        again = [p for p in missing if self._partitions[p].paused]
        if again:
            self._consumer.resume([TopicPartition(self._topic, p) for p in again])
        for number in (*full, *again):
            self._partitions[number].paused = number in full

    def _take(self, ends: Mapping[int, int]) -> tuple[pa.RecordBatch, dict[int, int]] | None:
        reached = {p: min(end, self._partitions[p].seen) for p, end in ends.items()}
        if all(reached[p] <= self._partitions[p].start for p in ends):
            return None
        messages = [m for p, end in reached.items() for m in self._partitions[p].held if _offset(m) < end]
        for number, end in reached.items():
            self._partitions[number].skip_to(end)
        return records_of(messages), reached


def _offset(message: Message) -> int:
    offset = message.offset()
    assert offset is not None
    return offset


def _size(message: Message) -> int:
    return len(message.value() or b"") + len(message.key() or b"")


def records_of(messages: Sequence[Message]) -> pa.RecordBatch:
    """The messages as columns: partition, offset, timestamp (null if out of range), key, value."""
    times = [m.timestamp()[1] for m in messages]
    milliseconds = pa.array([t if abs(t) <= MOST_MILLISECONDS else None for t in times], pa.timestamp("ms", tz="UTC"))
    return pa.RecordBatch.from_pydict({
        "partition": pa.array([m.partition() for m in messages], pa.int32()),
        "offset": pa.array([m.offset() for m in messages], pa.int64()),
        "timestamp": milliseconds.cast(pa.timestamp("us", tz="UTC")),
        "key": pa.array([m.key() for m in messages], pa.binary()),
        "value": pa.array([m.value() for m in messages], pa.binary()),
    })  # fmt: skip


def _ignore(error: KafkaError) -> None:
    """What passes by itself needs no words; what does not is a read that fails."""
