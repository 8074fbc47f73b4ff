"""The archive: every record of a stream's topic as it came, beside what parsing made of it, in a Delta table.

Guarantee: exactly once. The offsets up to which a topic is archived stand in the commit that appends its records, as
its `userMetadata`, and every later commit (compaction, retention, vacuum) carries them on. So the table decides where
the archive goes on, and no other state can be lost. Each append has the number after the one that it builds on, as
Delta's `txnVersion`: of two writers that build on the same one, only the first appends anything.

Records are removed only by `forget`, whole arrival days at a time; readers keep the files that they have begun with
until `vacuum`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.errors import ArchiveFailed
from castro_spark.features.calendar import calendar_of
from castro_spark.parse import SOURCE_COLUMNS, ParseRules, parse_batch, parsed_types
from castro_spark.session import session_beside
from castro_spark.streams.declaration import StreamDeclaration

_DAY = "arrival_day"
_HEADERS = "headers"
RECORD_COLUMNS = (*SOURCE_COLUMNS, _HEADERS)  # what `append` takes, as Spark's Kafka source names them
_OWN_TYPES = {
    "topic": "string", "generation": "int", "archived_at": "timestamp", _DAY: "date",
    _HEADERS: "array<struct<key: string, value: binary>>",
}  # fmt: skip
_RAW = ("kept", "unknown", _HEADERS, "key", "value")  # last, where Delta keeps no statistics of them
_KEY = "castro_archive"
_LOOK_BACK = (5, 1000, 100_000)  # commits; all of this archive's own tell its offsets, so mostly the first does
_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_SESSION = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # How many tasks the table's own log and its folder are read by: by default they cost more than they read.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    "spark.sql.shuffle.partitions": "2",
    # Compacted files are small enough that a task which makes one holds up nobody for long.
    "spark.databricks.delta.optimize.minFileSize": str(64 << 20),
    "spark.databricks.delta.optimize.maxFileSize": str(128 << 20),
    "spark.databricks.delta.optimize.maxThreads": "2",
    # How long to keep what readers may still need is what the settings say.
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
}


@dataclass(frozen=True)
class Archived:
    """How far a topic is archived, as the table's newest commit tells it.

    `number` counts the appends; `lost` is how many offsets of each partition were gone before they were archived.
    """

    topic: str
    topic_id: str
    generation: int
    positions: dict[int, int] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)
    number: int = 0
    writer: str = ""
    archived_at: str | None = None
    maintained_at: str | None = None

    def as_json(self) -> str:
        return json.dumps({_KEY: asdict(self)})

    @classmethod
    def of_json(cls, text: str | None) -> Archived | None:
        """What a commit's userMetadata tells; None where it is not this archive's."""
        try:
            held = json.loads(text or "")[_KEY]
        except (ValueError, KeyError, TypeError):
            return None
        held["positions"], held["lost"] = ({int(p): o for p, o in held[n].items()} for n in ("positions", "lost"))
        return cls(**held)


class ArchiveTable:
    """One stream's archive in `folder`, written by one thread: it has a session of its own."""

    def __init__(self, spark: SparkSession, stream: StreamDeclaration, folder: str) -> None:
        self._spark = session_beside(spark, _SESSION)
        self._stream = stream
        self._folder = folder
        self._java: Any = self._spark._jsparkSession
        self._delta: Any = self._spark.sparkContext._jvm.io.delta.tables.DeltaTable  # type: ignore[union-attr]

    @property
    def session(self) -> SparkSession:
        """The session that the records to append must be of."""
        return self._spark

    def read(self) -> Archived | None:
        """How far the topic is archived; None where there is no table yet."""
        if not self._delta.isDeltaTable(self._java, self._folder):
            return None
        for commits in _LOOK_BACK:
            history = DataFrame(self._table().history(commits), self._spark)
            for row in history.select("userMetadata").collect():  # newest first
                if found := Archived.of_json(row.userMetadata):
                    return found
        raise ArchiveFailed(
            f"{self._folder}: none of the table's last {_LOOK_BACK[-1]} commits tells the archived offsets",
            "the table is another's, or was replaced by hand: name another folder in archive.dir",
        )

    def append(self, records: DataFrame, tasks: int, rules: ParseRules, after: Archived) -> Archived:
        """Appends records (RECORD_COLUMNS) and makes `after` the table's state; returns that.

        `after` is the state that this append builds on, with the positions, time and writer that it leads to.
        Raises ArchiveFailed where another writer has been there before, and appends nothing then.
        """
        after = replace(after, number=after.number + 1)
        types = archive_types(self._stream)
        schema = ", ".join(f"`{name}` {type_}" for name, type_ in types.items())
        task = partial(archive_rows, rules=rules, topic=after.topic, at=rules.now)
        self._spark.conf.set(_USER_METADATA, after.as_json())
        (
            records.select(*RECORD_COLUMNS)
            .coalesce(tasks)
            .mapInArrow(task, schema)
            .write.format("delta")
            .mode("append")
            .partitionBy(_DAY)
            .option("mergeSchema", "true")  # a new field of the declaration is a new column
            .option("txnAppId", _KEY)
            .option("txnVersion", after.number)
            .save(self._folder)
        )
        # Delta leaves out an append whose number is there already, without a word.
        held = self.read()
        if held != after:
            raise ArchiveFailed(
                f"{self._folder} is written by another process as well ({held and held.writer}): this one appended"
                " nothing there",
                "let one instance run; it goes on from what the table holds",
            )
        return after

    def compact(self, today: date, files_of_today: int, state: Archived) -> None:
        """Makes few files of many: of the days before `today`, and of today once it has more than that."""
        self._spark.conf.set(_USER_METADATA, state.as_json())
        before = f"{_DAY} < '{today.isoformat()}'"
        self._table().optimize().where(before).executeCompaction()
        newest = self._spark.read.format("delta").load(self._folder).where(F.col(_DAY) >= F.lit(today))
        files = Counter(_day_of(path) for path in newest.inputFiles())
        for day in sorted(day for day, count in files.items() if count > files_of_today):
            self._table().optimize().where(f"{_DAY} = '{day}'").executeCompaction()

    def forget(self, oldest: date, state: Archived) -> None:
        """Removes the arrival days before `oldest` from the table; their files go with a later `vacuum`."""
        self._spark.conf.set(_USER_METADATA, state.as_json())
        condition: Any = F.col(_DAY) < F.lit(oldest)
        self._table().delete(condition._jc)

    def vacuum(self, hours: float, state: Archived) -> None:
        """Removes the files that have not been part of the table for so long, and those of killed writers."""
        self._spark.conf.set(_USER_METADATA, state.as_json())
        self._table().vacuum(float(hours))

    def _table(self) -> Any:
        return self._delta.forPath(self._java, self._folder)


def archive_types(stream: StreamDeclaration) -> dict[str, str]:
    """The table's columns in order, with their types in Spark's words."""
    types = _OWN_TYPES | parsed_types(stream)
    first = ("topic", "generation", "partition", "offset", "record_timestamp", "archived_at", _DAY)
    return {name: types[name] for name in (*first, *(n for n in types if n not in {*first, *_RAW}), *_RAW)}


def archive_rows(
    batches: Iterable[pa.RecordBatch], *, rules: ParseRules, topic: str, at: datetime
) -> Iterator[pa.RecordBatch]:
    """Records -> the table's rows, one for one: what the stream's own parsing makes of each, and each as it came."""
    for batch in batches:
        parsed = parse_batch(batch, rules)
        rows = len(batch)
        # Where the record's own time cannot be right, the time when it is archived stands for it.
        told = parsed.column("record_timestamp")
        arrived = pc.if_else(told.is_valid(), told, pa.scalar(at, told.type))
        own = {
            "topic": pa.array([topic] * rows, pa.string()),
            "generation": pa.array([rules.generation] * rows, pa.int32()),
            "archived_at": pa.array([at] * rows, pa.timestamp("us", tz="UTC")),
            _DAY: calendar_of(arrived, rules.timezone).field("date"),
            _HEADERS: batch.column(_HEADERS),
        }
        names = list(archive_types(rules.stream))
        columns = [own[name] if name in own else parsed.column(name) for name in names]
        yield pa.RecordBatch.from_arrays(columns, names=names)


def _day_of(path: str) -> str:
    folder = unquote(path).rpartition("/")[0].rpartition("/")[2]
    return folder.removeprefix(f"{_DAY}=")
