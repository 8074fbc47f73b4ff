"""Reads a stream's events and aggregates as DataFrames, for notebooks: the names of tables and folders stay in here.

Servers and folders come from the settings, as for the jobs: `settings`, else conf/local.yaml and the variables
CASTRO_... . Nothing here writes. Columns and types are those of docs/data.md, whatever the source.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.errors import SettingsError, SourceError, UsageError
from castro_spark.features.aggregates import SUM_TYPES
from castro_spark.parse import parsed_types
from castro_spark.parse.history import GENERATION
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.frame import read_frame
from castro_spark.sources import archive as archives
from castro_spark.sources.archived_events import archived_events
from castro_spark.sources.warehouse_events import warehouse_events
from castro_spark.streams import stream as stream_named
from castro_spark.streams.declaration import StreamDeclaration

Source = Literal["postgres", "archive", "warehouse"]
AsOf = datetime | int | None


def events(
    spark: SparkSession,
    stream: str,
    *,
    source: Source = "postgres",
    products: Iterable[str] = (),
    first: date | None = None,
    last: date | None = None,
    as_of: AsOf = None,
    settings: Settings | None = None,
) -> DataFrame:
    """A stream's events, one row for each event_id: the input of daily, monthly, running_features and product_360.

    `source`: "postgres": what streams and backfills committed, corrected and repaired. "archive": what the stream
    received, parsed (`as_of`: see `archive`); the same events as in PostgreSQL, but for records that were mended in
    quarantine and events that only the warehouse has. "warehouse": the stream's table in Hive (streams.X.history),
    through the same parser (`spark` needs Hive support). `products` (codes; none: all), `first` and `last` (local days,
    inclusive) select events.

    Out: event_id, product_code (string), the stream's own columns, quantity and price decimal(18,6), timestamp (an
    instant, shown in UTC), value_total decimal(38,12), date (the local day), month, quarter, day_of_week (Monday = 0),
    is_weekend, source_position (binary; orders the versions of an event).

    >>> movements = events(spark, "inventory", products=["P1"], first=date(2025, 1, 1))
    >>> movements.select("event_id", "transaction_type", "quantity", "date").orderBy("event_id").show()
    +--------+----------------+---------+----------+
    |event_id|transaction_type| quantity|      date|
    +--------+----------------+---------+----------+
    |      E1|         ENTRADA|12.000000|2025-01-01|
    |      E2|           SAIDA| 2.500000|2025-01-02|
    +--------+----------------+---------+----------+
    <BLANKLINE>
    """
    settings, declared = _declared(stream, settings)
    codes = _codes(products)
    if as_of is not None and source != "archive":
        raise UsageError(
            f"as_of goes with source='archive', not {source!r}", "PostgreSQL and Hive know only the present"
        )
    if source == "postgres":
        types = parsed_types(declared)
        return read_frame(
            spark, settings.postgres, declared.events_table, {name: types[name] for name in declared.event_columns},
            products=codes, days=("date", first, last),
        )  # fmt: skip
    if source == "archive":
        found = archived_events(archive(spark, stream, as_of=as_of, settings=settings), declared)
    elif source == "warehouse":
        history = settings.history(declared.name)
        if history is None:
            raise SettingsError(
                f"streams.{stream}.history is not set", "name the stream's table of warehouse.tables there"
            )
        rules = parse_rules(declared, settings, GENERATION)
        found = warehouse_events(spark, rules, settings.warehouse.mapped[history.table], history)
    else:
        raise UsageError(f"there is no source {source!r}", "use postgres, archive or warehouse")
    return _selected(found, "date", codes, first, last)


def daily(
    spark: SparkSession,
    stream: str,
    *,
    products: Iterable[str] = (),
    first: date | None = None,
    last: date | None = None,
    settings: Settings | None = None,
) -> DataFrame:
    """A stream's daily aggregates as it committed them to PostgreSQL: the columns and types of features.daily.

    >>> daily(spark, "inventory", products=["P1"]).select("date", "transactions", "volume_in").orderBy("date").show()
    +----------+------------+---------+
    |      date|transactions|volume_in|
    +----------+------------+---------+
    |2025-01-01|           1|12.000000|
    |2025-01-02|           1| 0.000000|
    +----------+------------+---------+
    <BLANKLINE>
    """
    settings, declared = _declared(stream, settings)
    return _aggregates(spark, settings, declared, "date", _codes(products), first, last)


def monthly(
    spark: SparkSession,
    stream: str,
    *,
    products: Iterable[str] = (),
    first: date | None = None,
    last: date | None = None,
    settings: Settings | None = None,
) -> DataFrame:
    """Like `daily`, by month (date, its first day); `first` and `last` are such first days.

    >>> monthly(spark, "inventory").select("product_code", "month", "transactions", "volume_out").show()
    +------------+----------+------------+----------+
    |product_code|     month|transactions|volume_out|
    +------------+----------+------------+----------+
    |          P1|2025-01-01|           2|  2.500000|
    +------------+----------+------------+----------+
    <BLANKLINE>
    """
    settings, declared = _declared(stream, settings)
    return _aggregates(spark, settings, declared, "month", _codes(products), first, last)


def archive(spark: SparkSession, stream: str, *, as_of: AsOf = None, settings: Settings | None = None) -> DataFrame:
    """Every record that a stream received, raw and parsed, rejects and deletes too (docs/data.md lists the columns).

    `as_of`: a version of the Delta table, or an instant (a datetime with time zone): the newest version committed by
    then; None: the newest. Versions older than `archive.vacuum_hours` may be gone. `spark` needs Delta Lake, which
    local_spark has where ./spark-submit.sh prepared it.

    >>> archive(spark, "inventory").groupBy("outcome").count().orderBy("outcome").show()
    +-------+-----+
    |outcome|count|
    +-------+-----+
    |  event|    3|
    | reject|    1|
    +-------+-----+
    <BLANKLINE>
    """
    folder = _archive_folder(stream, settings)
    version = as_of
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            raise UsageError(f"as_of has no time zone: {as_of}", "say which: datetime(..., tzinfo=ZoneInfo(...))")
        committed = archives.archive_versions(spark, folder).where(F.col("committed_at") <= F.lit(as_of))
        version = committed.agg(F.max("version")).collect()[0][0]
        if version is None:
            raise SourceError(f"the archive in {folder} has no version of {as_of} or before", "it was begun later")
    assert version is None or isinstance(version, int)
    return archives.read_archive(spark, folder, version)


def archive_versions(spark: SparkSession, stream: str, *, settings: Settings | None = None) -> DataFrame:
    """The versions of a stream's archive, for `as_of`: version (bigint), committed_at (timestamp), operation (string).

    >>> archive_versions(spark, "inventory").where("operation = 'WRITE'").count() > 0
    True
    """
    return archives.archive_versions(spark, _archive_folder(stream, settings))


def _declared(stream: str, settings: Settings | None) -> tuple[Settings, StreamDeclaration]:
    settings = settings or load_settings()
    return settings, configured(stream_named(stream), settings)


def _aggregates(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    period: Literal["date", "month"],
    products: tuple[str, ...],
    first: date | None,
    last: date | None,
) -> DataFrame:
    types = {"product_code": "string", period: "date", "transactions": "bigint"}
    types |= {"volume": SUM_TYPES["quantity"], "value": SUM_TYPES["value_total"]}
    types |= {m.name: SUM_TYPES[m.of] for m in stream.measures} | {stream.last_price: "decimal(18,6)"}
    table = stream.daily_table if period == "date" else stream.monthly_table
    return read_frame(spark, settings.postgres, table, types, products=products, days=(period, first, last))


def _archive_folder(stream: str, settings: Settings | None) -> str:
    settings, declared = _declared(stream, settings)
    if settings.archive.dir is None:
        raise SettingsError("there is no archive to read", "set archive.dir or CASTRO_ARCHIVE_DIR")
    return settings.archive.folder(declared.name)


def _codes(products: Iterable[str]) -> tuple[str, ...]:
    return (products,) if isinstance(products, str) else tuple(products)  # a text is one code, not its letters


def _selected(
    found: DataFrame, day: str, products: tuple[str, ...], first: date | None, last: date | None
) -> DataFrame:
    if products:
        found = found.where(F.col("product_code").isin(*products))
    if first is not None:
        found = found.where(F.col(day) >= F.lit(first))
    return found if last is None else found.where(F.col(day) <= F.lit(last))
