"""What a Hive table's files and partitions look like, where that decides whether Spark reads them rightly.

Spark's own readers take a partition's direct files only, know nothing of ACID deltas, and compare partition values as
texts. So what is unusual is found here, before anything is read: read rightly, or refused by name.
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
# Spark's own readers of Hive's ORC and Parquet tables; Hive's reader takes their place where there are subfolders.
_OWN_READERS = ("spark.sql.hive.convertMetastoreOrc", "spark.sql.hive.convertMetastoreParquet")
_checked_zones: set[str] = set()  # ids of applications


@dataclass(frozen=True)
class _Relation:
    """A table among the leaves of a plan: its metadata, and the folders that Spark would list (none: Hive's reader)."""

    table: Any
    folders: tuple[Any, ...]


def check_layout(spark: SparkSession, rows: DataFrame, source: str) -> bool:
    """Looks at the folders that `rows` would be read from; returns whether Hive's reader is needed for subfolders.

    Raises SourceUnreadable where the folder of a partition is gone, which Spark would take for no rows; MappingError
    where a table is transactional (ACID).
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
                    "bring the folder back, or drop the partition if it is meant to be gone; nothing was changed",
                )
            for name, is_folder in _listed(spark, path):
                if not is_folder or name.startswith(("_", ".")):
                    continue
                if _ACID_FOLDER(name):
                    raise _acid(source, f"{path}/{name}")
                nested = True
    return nested


def use_hives_reader(spark: SparkSession, source: str) -> None:
    """From here on the session reads by Hive's own reader, which goes into subfolders: slower, but whole."""
    log.warning("table %s has files in subfolders (UNION ALL writes such): it is read by Hive's own reader", source)
    for key in _OWN_READERS:
        spark.conf.set(key, "false")


def unusual_partitions(spark: SparkSession, source: str, column: str) -> list[str | None]:
    """The values of a table's partition column that are no ISO day; None is Hive's null partition."""
    found: set[str | None] = set()
    for partition in _partitions(spark, source):
        values = dict(part.partition("=")[::2] for part in partition.split("/"))
        text = next((unquote(v) for name, v in values.items() if name.lower() == column.lower()), None)
        if text is None or text == _NULL_PARTITION:
            found.add(None)
        elif not is_iso_day(text):
            found.add(text)
    return sorted(found, key=str)


def is_iso_day(text: str) -> bool:
    """Whether a partition value is a calendar day as YYYY-MM-DD, so that texts compare as days do."""
    if not _ISO_DAY(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_view(spark: SparkSession, source: str) -> bool:
    """Whether the warehouse has a view of that name."""
    return spark.catalog.getTable(source).tableType == "VIEW"


def check_zone(spark: SparkSession) -> None:
    """Raises SourceUnreadable where a JVM that reads has another zone than UTC; asks the executors once."""
    context: Any = spark.sparkContext
    if context.applicationId in _checked_zones:
        return
    zones = {str(context._jvm.java.util.TimeZone.getDefault().getID())}
    if not context.master.startswith("local"):
        asked = spark.range(0, context.defaultParallelism, 1, context.defaultParallelism)
        found = asked.selectExpr("reflect('java.lang.System', 'getProperty', 'user.timezone') AS zone").distinct()
        zones |= {str(row.zone) for row in found.collect()}
    if other := sorted(zones - {ZONE, "Etc/UTC", "GMT", "Etc/GMT"}):
        raise SourceUnreadable(
            f"a JVM that reads the warehouse has the zone {', '.join(other)}: ORC and text timestamps would move",
            "set spark.executor.extraJavaOptions to -Duser.timezone=UTC, as conf/spark-cluster.conf does (a session of"
            " your own: castro_spark.session.pin_zone)",
        )
    _checked_zones.add(context.applicationId)


def _partitions(spark: SparkSession, source: str) -> list[str]:
    """The names of the partitions, as the metastore has them; SHOW PARTITIONS takes no parameter for the table."""
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
            if location.getClass().getSimpleName() == "CatalogFileIndex":  # partitions that no filter has looked up yet
                no_filter = getattr(getattr(jvm.scala.collection.immutable, "Nil$"), "MODULE$")
                location = location.filterPartitions(no_filter)
            paths = location.rootPaths()
            folders = tuple(paths.apply(i) for i in range(paths.size()))
            yield _Relation(table.get() if table.isDefined() else None, folders)
        elif kind == "HiveTableRelation":
            yield _Relation(relation.tableMeta(), ())


def _listed(spark: SparkSession, folder: Any) -> list[tuple[str, bool]]:
    """What lies in a folder: names, and whether each is a folder; nothing where there is no such folder."""
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
