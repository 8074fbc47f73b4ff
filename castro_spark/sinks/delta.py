"""The archive: every record of a stream's topic, raw and parsed, in a Delta table.

Guarantee: exactly once. The commit that appends records also stores the archived offsets, as its `userMetadata`, and
every later commit (compaction, retention, vacuum) repeats them. So the table alone decides where the archive resumes;
there is no other state to lose. Each append has the next number as Delta's `txnVersion`: of two writers that build on
the same state, only the first appends.

Only `forget` removes records, whole arrival days at a time. Readers can still read the removed files until `vacuum`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
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
RECORD_COLUMNS = (*SOURCE_COLUMNS, _HEADERS)  # input of `append`, named as by Spark's Kafka source
_OWN_TYPES = {
    "topic": "string", "generation": "int", "archived_at": "timestamp", _DAY: "date",
    _HEADERS: "array<struct<key: string, value: binary>>",
}  # fmt: skip
_RAW = ("kept", "unknown", _HEADERS, "key", "value")  # last, where Delta collects no statistics
_KEY = "castro_archive"
_LOOK_BACK = (5, 1000, 100_000)  # commits; each commit of the archive has its offsets, so the first is usually enough
_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_SESSION = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Tasks that read the table's log and folder: the default numbers cost more than the reading.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    "spark.sql.shuffle.partitions": "2",
    # Compacted files are small, so that the task that writes one does not block others for long.
    "spark.databricks.delta.optimize.minFileSize": str(64 << 20),
    "spark.databricks.delta.optimize.maxFileSize": str(128 << 20),
    "spark.databricks.delta.optimize.maxThreads": "2",
    # The settings decide how long files that readers may still need are retained.
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
}


@dataclass(frozen=True)
class Archived:
    """The archive's state, as stored in the table's newest commit.

    `number` counts the appends; `lost` is how many offsets of each partition expired before they were archived.
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
        """The state in a commit's userMetadata; None if the commit is not the archive's."""
        try:
            values = json.loads(text or "")[_KEY]
        except (ValueError, KeyError, TypeError):
            return None
        if newer := values.keys() - {f.name for f in fields(cls)}:
            raise ArchiveFailed(
                f"the archive was written by a newer version, which also stores {', '.join(sorted(newer))}",
                "archive with that version, or name another folder in archive.dir",
            )
        values["positions"], values["lost"] = ({int(p): o for p, o in values[n].items()} for n in ("positions", "lost"))
        return cls(**values)


class ArchiveTable:
    """One stream's archive in `folder`, written by one thread with its own Spark session."""

    def __init__(self, spark: SparkSession, stream: StreamDeclaration, folder: str) -> None:
        self._spark = session_beside(spark, _SESSION)
        self._stream = stream
        self._folder = folder
        self._java: Any = self._spark._jsparkSession
        self._delta: Any = self._spark.sparkContext._jvm.io.delta.tables.DeltaTable  # type: ignore[union-attr]

    @property
    def session(self) -> SparkSession:
        """The session that the records to append must belong to."""
        return self._spark

    def read(self) -> Archived | None:
        """The archive's state; None if there is no table yet."""
        if not self._delta.isDeltaTable(self._java, self._folder):
            return None
        for commits in _LOOK_BACK:
            commits_read = DataFrame(self._table().history(commits), self._spark)
            for row in commits_read.select("userMetadata").collect():  # newest first
                if archived := Archived.of_json(row.userMetadata):
                    return archived
        raise ArchiveFailed(
            f"{self._folder}: none of the table's last {_LOOK_BACK[-1]} commits has the archived offsets",
            "the table is not this archive's, or was replaced by hand: name another folder in archive.dir",
        )

    def append(self, records: DataFrame, tasks: int, rules: ParseRules, after: Archived) -> Archived:
        """Appends records (RECORD_COLUMNS) and commits the state `after`; returns it with its new number.

        `after` is the current state, with the positions, time and writer as they are after this append.
        Raises ArchiveFailed, and appends nothing, if another writer has appended meanwhile.
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
        # Delta silently skips an append whose number is already in the table.
        current = self.read()
        if current != after:
            raise ArchiveFailed(
                f"{self._folder} is written by another process as well ({current and current.writer}): this one"
                " appended nothing there",
                "run one instance; it resumes from the table's state",
            )
        return after

    def compact(self, today: date, files_of_today: int, state: Archived) -> None:
        """Compacts the files of days before `today`, and today's if there are more than `files_of_today`."""
        self._spark.conf.set(_USER_METADATA, state.as_json())
        before = f"{_DAY} < '{today.isoformat()}'"
        self._table().optimize().where(before).executeCompaction()
        newest = self._spark.read.format("delta").load(self._folder).where(F.col(_DAY) >= F.lit(today))
        files = Counter(_day_of(path) for path in newest.inputFiles())
        for day in sorted(day for day, count in files.items() if count > files_of_today):
            self._table().optimize().where(f"{_DAY} = '{day}'").executeCompaction()

    def forget(self, oldest: date, state: Archived) -> None:
        """Removes the arrival days before `oldest` from the table; a later `vacuum` deletes their files."""
        self._spark.conf.set(_USER_METADATA, state.as_json())
        condition: Any = F.col(_DAY) < F.lit(oldest)
        self._table().delete(condition._jc)

    def vacuum(self, hours: float, state: Archived) -> None:
        """Deletes files that left the table more than `hours` ago, and leftovers of killed writers."""
        self._spark.conf.set(_USER_METADATA, state.as_json())
        self._table().vacuum(float(hours))

    def _table(self) -> Any:
        return self._delta.forPath(self._java, self._folder)


def archive_types(stream: StreamDeclaration) -> dict[str, str]:
    """The table's columns in order, with their Spark SQL types."""
    types = _OWN_TYPES | parsed_types(stream)
    first = ("topic", "generation", "partition", "offset", "record_timestamp", "archived_at", _DAY)
    return {name: types[name] for name in (*first, *(n for n in types if n not in {*first, *_RAW}), *_RAW)}


def archive_rows(
    batches: Iterable[pa.RecordBatch], *, rules: ParseRules, topic: str, at: datetime
) -> Iterator[pa.RecordBatch]:
    """Records -> the table's rows, one for one: parsed as the stream parses them, and raw."""
    for batch in batches:
        parsed = parse_batch(batch, rules)
        rows = len(batch)
        # A record without a plausible time of its own arrives at the time of archiving.
        record_time = parsed.column("record_timestamp")
        arrived = pc.if_else(record_time.is_valid(), record_time, pa.scalar(at, record_time.type))
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
