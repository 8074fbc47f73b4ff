"""Moves a slice's records from Kafka to PostgreSQL's staging tables, through the driver or by the executors.

The driver reads small slices of small records by a consumer of its own (sources/kafka/followed), which needs no Spark
job; and by Spark what that consumer cannot.

Memory is bounded on all paths. The driver's consumer stops at a size. Spark brings the driver only records up to a
size, so that a slice never exceeds `streaming.max_batch_bytes`; if larger records are among them, the slice is cut to
what fits and read again. The executors' tasks copy a few megabytes at a time, and stop early if a slice is larger than
expected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.errors import first_line
from castro_spark.parse import SOURCE_COLUMNS, ParseRules
from castro_spark.parse.identity import Kinds
from castro_spark.parse.origin import Source
from castro_spark.rules import parse_rules
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Positions
from castro_spark.sinks.postgres.commit.staging import StagedBatch, stage_on_driver
from castro_spark.sinks.postgres.commit.staging_tasks import TaskBounds, stage_on_executors, stage_partition
from castro_spark.sinks.postgres.schema.working_tables import SLOTS
from castro_spark.sources.kafka.ends import NotNative
from castro_spark.sources.kafka.followed import FollowedTopic
from castro_spark.sources.kafka.records import read_range
from castro_spark.sources.kafka.topics import topic_state
from castro_spark.sources.kafka.untimely import read_untimely, untimely
from castro_spark.streaming.microbatch.slices import Limits, fitting
from castro_spark.streaming.microbatch.warm_up import WarmUp
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
# The driver's slices target max_batch_bytes divided by this, so that a record may be four times the mean size before
# the slice must be read again.
_DRIVERS_PART = 4
# Offsets from which on a slice is the executors', if conf names no number. In one JVM they share the driver's cores,
# and their Python would only cost: one PostgreSQL merges fewer events than one process parses.
_ON_A_CLUSTER, _NEVER = 100_000, 1 << 62
_FOLLOWED_BYTES = 32 << 20  # of a slice by the driver's consumer, which ends there whatever comes
_SIZE = "bytes"
# A micro-batch brings key and value of records up to this size: a bound that needs no further plan, which costs a small
# slice as much as all its other steps.
SMALL = 32 << 10
_PATIENCE = 2  # times commit_seconds: a task that stops early loses its Python worker; a new one takes seconds to start


@dataclass(frozen=True)
class Slice:
    """Offsets from `starts` up to `ends`. Of their size: the expected bytes per offset (None: unknown), and whether the
    records before were many and small. `records` are exactly these as `up_to_size(..., SMALL)` made them, if Spark has
    planned that already."""

    starts: Positions
    ends: Positions
    offset_bytes: float | None = None
    proven_small: bool = False
    records: DataFrame | None = None

    @property
    def offsets(self) -> int:
        return sum(end - self.starts[p] for p, end in self.ends.items())


class Stager:
    """Stages the slices of one stream, which are committed in order. Two staging slots are used alternately."""

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        stream: StreamDeclaration,
        followed: FollowedTopic | None,
        generation: int,
        known: Kinds = frozenset(),
        epoch: int | None = None,
    ) -> None:
        self._spark = spark
        self._settings = settings
        self._conf = settings.streaming
        self._stream = stream
        self._generation = generation
        self._epoch = epoch
        self._known = known  # the warehouse's kinds of identity
        self._executors_from = self._conf.executor_staging_rows or (
            _NEVER if str(spark.sparkContext.master).startswith("local") else _ON_A_CLUSTER
        )
        self._slot = SLOTS[0]
        self._warm_up = WarmUp(spark)
        self._followed = followed

    def limits(self) -> Limits:
        """Limits of the next slice. Until the executors' Python workers are up, they are the driver's limits."""
        few, most = self._executors_from - 1, self._conf.max_offsets_per_trigger
        if self._warm_up.done or not few:
            return Limits(self._conf.commit_seconds, most, self._conf.max_batch_bytes)
        return Limits(self._conf.commit_seconds, min(few, most), self._drivers_bytes)

    def expect(self, left: Slice) -> None:
        """Starts the executors' Python workers in the background if `left` is large enough to need them."""
        if not self._is_for_driver(left):
            self._warm_up.start(len(left.ends))

    def rehearse(self) -> None:
        """Reads and parses the topic's first record as a slice and discards it: by Spark a cold JVM takes seconds for
        that, and the driver's consumer connects.

        Called before the claim, so that it delays no commit and the current writer continues meanwhile.
        """
        state = topic_state(self._spark, self._settings.kafka, self._stream.topic, committed=True)
        first = next(({p: b} for p, b in state.beginnings.items() if state.ends[p] > b), None)
        if first is not None:
            rules = parse_rules(self._stream, self._settings, self._generation)
            try:
                self._on_driver(Slice(first, {p: b + 1 for p, b in first.items()}), rules)
            except (PySparkException, Py4JError) as error:  # it may just have aged out: the claim checks the offsets
                log.warning("stream %s: the first record could not be read: %s", self._stream.name, first_line(error))

    def stage(self, part: Slice, source: Source | None) -> tuple[StagedBatch, dict[int, int]]:
        """Stages a slice and returns it with its end offsets: before `part.ends` if the slice was too large.

        `source` is the source that the stream's first change fixed; None until that is committed.
        """
        rules = parse_rules(self._stream, self._settings, self._generation, warehouse=self._known, source=source)
        slot = self._slot
        try:
            return self._on_driver(part, rules) if self._is_for_driver(part) else self._on_executors(part, rules)
        except (PySparkException, Py4JError) as error:
            unreadable = untimely(error)
            if unreadable is None:
                raise
        self._slot = slot  # the other slot's commit may be pending
        partition, offset = unreadable
        if offset > part.starts[partition]:  # first the records before it
            return self.stage(replace(part, ends={**part.ends, partition: offset}, records=None), source)
        end = part.ends[partition]
        rows = read_untimely(self._spark, self._settings.kafka, self._stream.topic, partition, offset, end)
        batches = rows.select(list(SOURCE_COLUMNS)).to_batches()
        return stage_on_driver(batches, rules, part.starts), {partition: rows.column("offset")[-1].as_py() + 1}

    def _is_for_driver(self, part: Slice) -> bool:
        if part.offsets >= self._executors_from:
            return False
        # What the driver's consumer reads ends at a size by itself.
        return self._is_followed(part) or part.offsets * (part.offset_bytes or 0) <= self._drivers_bytes

    def _is_followed(self, part: Slice) -> bool:
        return self._followed is not None and is_small(part.offset_bytes)

    @property
    def _drivers_bytes(self) -> int:
        if self._followed is None:
            return self._conf.max_batch_bytes // _DRIVERS_PART
        return min(self._conf.max_batch_bytes, _FOLLOWED_BYTES)

    def _on_driver(self, part: Slice, rules: ParseRules) -> tuple[StagedBatch, dict[int, int]]:
        if self._followed is not None and self._is_followed(part):
            read = self._followed.read(part.starts, part.ends, self._drivers_bytes)
            if read is not None:
                records, reached = read
                return stage_on_driver([records], rules, part.starts), reached
        return self._by_spark(part, rules)

    def _by_spark(self, part: Slice, rules: ParseRules) -> tuple[StagedBatch, dict[int, int]]:
        ends = dict(part.ends)
        # Larger records would come without key and value, only to be read again: then one read with a bound of its own.
        is_bounded = is_small(part.offset_bytes) and part.offsets * SMALL <= self._conf.max_batch_bytes
        if part.records is not None and is_bounded:
            rows = part.records.toArrow()
        else:
            rows = up_to_size(self._read(part), self._conf.max_batch_bytes // part.offsets).toArrow()
        if withheld(rows):
            sizes = zip(*(rows.column(name).to_pylist() for name in ("partition", "offset", _SIZE)), strict=True)
            ends = fitting([s for s in sizes if s[1] >= part.starts[s[0]]], ends, self._drivers_bytes)
            largest = pc.max(rows.column(_SIZE)).as_py()  # a poll of many of the mean size may be of large ones only
            rows = self._read(Slice(part.starts, ends, largest)).toArrow()
        return stage_on_driver(rows.to_batches(), rules, part.starts), ends

    def _on_executors(self, part: Slice, rules: ParseRules) -> tuple[StagedBatch, dict[int, int]]:
        self._slot = next(slot for slot in SLOTS if slot != self._slot)
        task: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]] = partial(
            stage_partition,
            settings=self._settings.postgres,
            rules=rules,
            positions=dict(part.starts),
            slot=self._slot,
            patience=self._conf.outage_retry_seconds,
            epoch=self._epoch,
            bounds=TaskBounds(self._conf.max_batch_bytes, _PATIENCE * self._conf.commit_seconds),
        )
        batch = stage_on_executors(self._read(part), task, self._slot)
        return batch, batch.reached(part.ends)

    def _read(self, part: Slice) -> DataFrame:
        return read_range(
            self._spark, self._settings.kafka, self._stream.topic, part.starts, part.ends,
            reader=f"castro-slices-{self._stream.name}", record_bytes=part.offset_bytes,
            proven_small=part.proven_small,
        ).select(*SOURCE_COLUMNS)  # fmt: skip


def is_small(offset_bytes: float | None) -> bool:
    """Whether records of so many bytes are small: the driver's consumer reads them."""
    return (offset_bytes or 0) <= SMALL // _DRIVERS_PART


@contextmanager
def following_topic(settings: Settings, stream: StreamDeclaration) -> Iterator[FollowedTopic | None]:
    """The driver's own consumer; None if conf has none, or if it cannot log in as Spark's do."""
    followed = _followed(settings, stream)
    try:
        yield followed
    finally:
        if followed is not None:
            followed.close()


def _followed(settings: Settings, stream: StreamDeclaration) -> FollowedTopic | None:
    if not settings.streaming.drivers_consumer:
        return None
    try:
        return FollowedTopic(
            settings.kafka, stream.topic, f"castro-slices-{stream.name}", settings.quality.kafka_options
        )
    except NotNative as option:
        log.info("stream %s: Spark reads also the small slices: librdkafka has no %s", stream.name, option)
        return None


def up_to_size(records: DataFrame, most: int) -> DataFrame:
    """Records (SOURCE_COLUMNS) and their bytes; key and value are null if the record exceeds about `most` bytes."""
    # Rounded down to a power of two: Spark compiles code for each literal in a plan.
    bound = 1 << max(0, most.bit_length() - 1)
    size = F.coalesce(F.length("key"), F.lit(0)) + F.coalesce(F.length("value"), F.lit(0))
    sized = records.select(*SOURCE_COLUMNS, size.alias(_SIZE))
    bounded = (F.when(F.col(_SIZE) <= bound, F.col(name)).alias(name) for name in ("key", "value"))
    return sized.select("partition", "offset", "timestamp", *bounded, _SIZE)


def withheld(rows: pa.Table) -> bool:
    """Whether `up_to_size` replaced any record's key and value by nulls because the record was too large."""
    missing = pc.and_(rows.column("key").is_null(), rows.column("value").is_null())
    return bool(pc.any(pc.and_(missing, pc.greater(rows.column(_SIZE), 0))).as_py())
