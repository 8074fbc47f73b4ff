"""Hive as a source: reads a mapped table's rows, with column and partition pruning.

Guarantee: only mapped columns are read; with `since`, only partitions that can hold such rows are listed, and the
filter is pushed down to the files. An unreadable table is an error, never an empty result.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from castro_spark.errors import MappingError, SourceUnreadable
from castro_spark.sections.warehouse import ColumnMapping, ColumnType, PartitionDay, TableMapping
from castro_spark.sources.hive_layout import (
    ISO_DAY,
    check_layout,
    check_zone,
    is_view,
    unusual_partitions,
    use_hives_reader,
)

log = logging.getLogger(__name__)

_DECIMAL = T.DecimalType(18, 6)
_WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_TEXTS = (T.StringType, T.CharType, T.VarcharType)
# By column type: the Spark types that are accepted, and the type they are cast to.
_FITTING: dict[ColumnType, tuple[tuple[type[T.DataType], ...], T.DataType]] = {
    ColumnType.TEXT: (_TEXTS, T.StringType()),
    ColumnType.DECIMAL: ((T.DecimalType, *_WHOLE), _DECIMAL),
    ColumnType.TIMESTAMP: ((T.TimestampType,), T.TimestampType()),
    ColumnType.DATE: ((T.DateType,), T.DateType()),
    ColumnType.INTEGER: (_WHOLE, T.LongType()),
    ColumnType.BOOLEAN: ((T.BooleanType,), T.BooleanType()),
}
# Error conditions of Spark that mean a wrong mapping, rather than a table that cannot be read now.
_PERMANENT = (
    "TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "UNRESOLVED_COLUMN", "UNRESOLVED_ROUTINE", "PARSE_SYNTAX_ERROR",
    "DATATYPE_MISMATCH", "CAST_", "NUMERIC_VALUE_OUT_OF_RANGE", "ARITHMETIC_OVERFLOW", "DIVIDE_BY_ZERO",
    "INCONSISTENT_BEHAVIOR_CROSS_VERSION",
)  # fmt: skip
_CONDITION = re.compile(r"\[([A-Z][A-Z_.]+)\]")


@dataclass(frozen=True)
class TableRead:
    """A table as it will be read: its rows in the target's columns, and source columns unknown to the mapping."""

    rows: DataFrame
    unknown: tuple[str, ...]


def read_table(spark: SparkSession, mapping: TableMapping, since: datetime | None, zone: ZoneInfo) -> TableRead:
    """The mapped rows whose watermark column is at or after `since` (None: all).

    Raises MappingError if table and mapping differ, naming table and column; SourceUnreadable if it cannot be read now.
    """
    with reading(mapping.source):
        check_zone(spark)
        rows, unknown = _mapped(spark, mapping, since, zone)
        if check_layout(spark, rows, mapping.source):
            use_hives_reader(spark, mapping.source)
            rows, unknown = _mapped(spark, mapping, since, zone)
    return TableRead(rows, unknown)


def _mapped(
    spark: SparkSession, mapping: TableMapping, since: datetime | None, zone: ZoneInfo
) -> tuple[DataFrame, tuple[str, ...]]:
    spark.catalog.refreshTable(mapping.source)  # files and partitions may have changed during a long session
    table = spark.table(mapping.source)
    _check_there(mapping, table)
    columns, reads = _columns(table, mapping)
    known = {mapping.source_watermark, *mapping.ignore, *reads}
    if mapping.partition:
        known.add(mapping.partition.column)
    if since is not None:
        table = table.where(_at_or_after(spark, table, mapping, since, zone))
    unknown = tuple(name for name in table.columns if name.lower() not in {k.lower() for k in known})
    return table.select(*columns), unknown


@contextmanager
def reading(source: str) -> Iterator[None]:
    """Converts Spark's errors while reading `source` to MappingError, or to SourceUnreadable (possibly transient)."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        error_text = _error_text(error)
        condition = next((c for c in _CONDITION.findall(str(error)) if c.startswith(_PERMANENT)), None)
        if condition and "NOT_FOUND" in condition:
            raise MappingError(
                f"there is no table {source} in the warehouse",
                "check warehouse.tables in the settings, and which metastore Spark uses (hive-site.xml)",
            ) from None
        if condition:
            raise MappingError(f"table {source}: {error_text}", "correct the mapping, or the rows it names") from None
        raise SourceUnreadable(
            f"table {source} cannot be read: {error_text}",
            "check the metastore, the table's files and this user's rights to them; nothing was changed",
        ) from error


def _check_there(mapping: TableMapping, table: DataFrame) -> None:
    there = {name.lower() for name in table.columns}
    wanted = {name: column.source for name, column in mapping.columns.items() if column.source}
    if mapping.partition:
        wanted["partition"] = mapping.partition.column
    missing = [f"{source} (for {name})" for name, source in wanted.items() if source.lower() not in there]
    if missing:
        raise MappingError(
            f"table {mapping.source} has no column {', '.join(missing)}; it has {', '.join(table.columns)}",
            "correct the mapping (warehouse.tables in the settings), or ask who changed the table",
        )


def _columns(table: DataFrame, mapping: TableMapping) -> tuple[list[Column], set[str]]:
    """The target's columns as expressions of the target types, and the source columns that they read."""
    expressions = {name: _expression(table, column) for name, column in mapping.columns.items()}
    try:  # all at once: each analysis of a plan costs milliseconds, in a JVM that has just started tens of them
        selected = table.select(*(expression.alias(name) for name, expression in expressions.items()))
    except AnalysisException:
        _check_each(table, mapping, expressions)
        raise
    kinds = {field.name: field.dataType for field in selected.schema}
    columns = [
        expression.cast(_target_type(mapping, name, kinds[name])).alias(name)
        for name, expression in expressions.items()
    ]
    return columns, _references(selected)


def _expression(table: DataFrame, column: ColumnMapping) -> Column:
    return table[column.source] if column.source else F.expr(column.sql or "")


def _check_each(table: DataFrame, mapping: TableMapping, expressions: dict[str, Column]) -> None:
    """Raises MappingError for the first column that cannot be used."""
    for name, expression in expressions.items():
        try:
            table.select(expression.alias(name))
        except AnalysisException as error:
            raise MappingError(
                f"table {mapping.source}, column {name}: `{mapping.columns[name].sql}` cannot be used:"
                f" {_error_text(error)}",
                "correct the mapping",
            ) from None


def _target_type(mapping: TableMapping, name: str, kind: T.DataType) -> T.DataType:
    """The Spark type of a target column. Raises MappingError if `kind` cannot be cast to it without loss."""
    column = mapping.columns[name]
    fitting, target = _FITTING[column.type]
    if not isinstance(kind, fitting) or (isinstance(kind, T.DecimalType) and kind.scale > _DECIMAL.scale):
        raise MappingError(
            f"table {mapping.source}, column {name}: {column.source or column.sql} is {kind.simpleString()},"
            f" which cannot be cast to {column.type.value} without loss",
            "map another type, or specify the cast in `sql`",
        )
    return target


def _references(selected: DataFrame) -> set[str]:
    plan: Any = selected._jdf
    names = plan.queryExecution().analyzed().references().toSeq()
    return {names.apply(i).name() for i in range(names.size())}


def _at_or_after(
    spark: SparkSession, table: DataFrame, mapping: TableMapping, since: datetime, zone: ZoneInfo
) -> Column:
    wanted = F.col(mapping.source_watermark) >= F.lit(since.astimezone(timezone.utc))
    partition = mapping.partition
    if partition is None:
        return wanted
    of = zone if partition.holds is PartitionDay.LOCAL_DATE else timezone.utc
    return _may_hold(spark, table, mapping, partition.column, since.astimezone(of).date()) & wanted


def _may_hold(spark: SparkSession, table: DataFrame, mapping: TableMapping, name: str, day: date) -> Column:
    """Whether a partition may hold rows of `day` or later; true also if its value is null or not a day."""
    column = F.col(name)
    kind = next(f.dataType for f in table.schema if f.name.lower() == name.lower())
    if isinstance(kind, T.DateType):
        return (column >= F.lit(day)) | column.isNull()
    if not isinstance(kind, _TEXTS):
        raise MappingError(
            f"table {mapping.source}: its partition column {name} is {kind.simpleString()}, not a day (string or date)",
            "leave `partition` out of the mapping; every run then reads the whole table, by its watermark",
        )
    later = column >= F.lit(day.isoformat())
    if is_view(spark, mapping.source):
        return later | column.isNull() | ~column.rlike(ISO_DAY)
    unusual = unusual_partitions(spark, mapping.source, name)
    if None in unusual:
        later = later | column.isNull()
    if texts := [text for text in unusual if text is not None]:
        log.warning(
            "table %s has partitions that are not ISO days (%s): they are read every time",
            mapping.source, ", ".join(texts[:5]),
        )  # fmt: skip
        later = later | column.isin(texts)
    return later


def _error_text(error: BaseException) -> str:
    """The first two informative lines of an error, without Java's stack trace."""
    lines = [line.strip() for line in str(error).splitlines()]
    useful = [line for line in lines if line and not line.startswith(("at ", "JVM stacktrace", "An error occurred"))]
    return " ".join(useful[:2])[:400]
