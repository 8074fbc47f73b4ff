"""Checks a Hive table's file and partition layout for cases that Spark would read incorrectly.

Spark's own readers read only files directly in a partition's folder, ignore ACID deltas, and compare partition values
as strings. So unusual layouts are detected before anything is read; they are read correctly, or rejected with an error.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession

from castro_spark.errors import MappingError, SourceUnreadable
from castro_spark.session import ZONE

log = logging.getLogger(__name__)
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_ISO_DAY = re.compile(ISO_DAY).match
_ACID_FOLDER = re.compile(r"(base|delta|delete_delta)_\d+").match
# Spark's own readers of Hive's ORC and Parquet tables; Hive's reader replaces them for tables with subfolders.
_OWN_READERS = ("spark.sql.hive.convertMetastoreOrc", "spark.sql.hive.convertMetastoreParquet")
_checked_zones: set[str] = set()  # ids of applications


@dataclass(frozen=True)
class _Relation:
    """A table in a plan: its metadata, and the folders that Spark would list (none if Hive's reader is used)."""

    table: Any
    folders: tuple[Any, ...]


def check_layout(spark: SparkSession, rows: DataFrame, source: str) -> bool:
    """Checks the folders that `rows` would be read from; returns whether Hive's reader is needed for subfolders.

    Raises SourceUnreadable if a partition's folder is missing, which Spark would read as no rows; MappingError if a
    table is transactional (ACID).
    """
    nested = False
    there: dict[str, set[str]] = {}
    for relation in _relations(spark, rows):
        if relation.table is not None and _property(relation.table, "transactional") == "true":
            raise _acid(source, relation.table.identifier().unquotedString())
        for path in relation.folders:
            parent = path.getParent()
            if parent.toString() not in there:
                there[parent.toString()] = {name for name, _ in _listed(spark, parent)}
            if path.getName() not in there[parent.toString()]:
                raise SourceUnreadable(
                    f"table {source}: the metastore has the partition {path.getName()}, but there is no {path}",
                    "restore the folder, or drop the partition if it was removed on purpose; nothing was changed",
                )
            for name, is_folder in _listed(spark, path):
                if not is_folder or name.startswith(("_", ".")):
                    continue
                if _ACID_FOLDER(name):
                    raise _acid(source, f"{path}/{name}")
                nested = True
    return nested


def use_hives_reader(spark: SparkSession, source: str) -> None:
    """Switches the session to Hive's own reader, which reads subfolders: slower, but complete."""
    log.warning("table %s has files in subfolders (as UNION ALL writes): it is read by Hive's own reader", source)
    for key in _OWN_READERS:
        spark.conf.set(key, "false")


def unusual_partitions(spark: SparkSession, source: str, column: str) -> list[str | None]:
    """The values of a table's partition column that are not ISO days; None is Hive's null partition."""
    unusual: set[str | None] = set()
    for partition in _partitions(spark, source):
        values = dict(part.partition("=")[::2] for part in partition.split("/"))
        text = next((unquote(v) for name, v in values.items() if name.lower() == column.lower()), None)
        if text is None or text == _NULL_PARTITION:
            unusual.add(None)
        elif not is_iso_day(text):
            unusual.add(text)
    return sorted(unusual, key=str)


def is_iso_day(text: str) -> bool:
    """Whether a partition value is a calendar day YYYY-MM-DD, so that string order is date order."""
    if not _ISO_DAY(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_view(spark: SparkSession, source: str) -> bool:
    """Whether `source` is a view."""
    return spark.catalog.getTable(source).tableType == "VIEW"


def check_zone(spark: SparkSession) -> None:
    """Raises SourceUnreadable if a reading JVM's default time zone is not UTC; queries the executors once."""
    context: Any = spark.sparkContext
    if context.applicationId in _checked_zones:
        return
    zones = {str(context._jvm.java.util.TimeZone.getDefault().getID())}
    if not context.master.startswith("local"):
        tasks = spark.range(0, context.defaultParallelism, 1, context.defaultParallelism)
        rows = tasks.selectExpr("reflect('java.lang.System', 'getProperty', 'user.timezone') AS zone").distinct()
        zones |= {str(row.zone) for row in rows.collect()}
    if other := sorted(zones - {ZONE, "Etc/UTC", "GMT", "Etc/GMT"}):
        raise SourceUnreadable(
            f"a JVM that reads the warehouse has the zone {', '.join(other)}: ORC and text timestamps would be shifted",
            "set spark.executor.extraJavaOptions to -Duser.timezone=UTC, as conf/spark-cluster.conf does (a session of"
            " your own: castro_spark.session.pin_zone)",
        )
    _checked_zones.add(context.applicationId)


def _partitions(spark: SparkSession, source: str) -> list[str]:
    """The partitions' names in the metastore; not by SHOW PARTITIONS, which takes no parameter for the table."""
    database, _, table = source.rpartition(".")
    jvm: Any = spark.sparkContext._jvm
    java: Any = spark._jsparkSession
    catalog = java.sharedState().externalCatalog()
    names = catalog.listPartitionNames(database or spark.catalog.currentDatabase(), table, jvm.scala.Option.empty())
    return [names.apply(i) for i in range(names.size())]


def _relations(spark: SparkSession, rows: DataFrame) -> Iterator[_Relation]:
    planned: Any = rows._jdf
    jvm: Any = spark.sparkContext._jvm
    leaves = planned.queryExecution().optimizedPlan().collectLeaves()
    for relation in (leaves.apply(i) for i in range(leaves.size())):
        kind = relation.getClass().getSimpleName()
        if kind == "LogicalRelation":
            table = relation.catalogTable()
            location = relation.relation().location()
            if location.getClass().getSimpleName() == "CatalogFileIndex":  # partitions are not listed yet
                no_filter = getattr(getattr(jvm.scala.collection.immutable, "Nil$"), "MODULE$")
                location = location.filterPartitions(no_filter)
            paths = location.rootPaths()
            folders = tuple(paths.apply(i) for i in range(paths.size()))
            yield _Relation(table.get() if table.isDefined() else None, folders)
        elif kind == "HiveTableRelation":
            yield _Relation(relation.tableMeta(), ())


def _listed(spark: SparkSession, folder: Any) -> list[tuple[str, bool]]:
    """A folder's entries: names, and whether each is a folder; empty if the folder does not exist."""
    context: Any = spark.sparkContext
    files = folder.getFileSystem(context._jsc.hadoopConfiguration())
    statuses = files.listStatus(folder) if files.exists(folder) else ()
    return [(status.getPath().getName(), status.isDirectory()) for status in statuses]


def _property(table: Any, name: str) -> str:
    value = table.properties().get(name)
    return str(value.get()).lower() if value.isDefined() else ""


def _acid(source: str, where: str) -> MappingError:
    return MappingError(
        f"table {source}: {where} is transactional (ACID), which Spark cannot read: it would miss changes",
        "map a copy that Hive writes as a plain table (INSERT OVERWRITE), or a view over one",
    )
