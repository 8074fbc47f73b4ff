"""How a stream stands: ledger against topic, quarantine, Redis against PostgreSQL, and the archive against topic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Any

import redis
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from castro_spark.errors import CastroError
from castro_spark.parse.reasons import Reason
from castro_spark.rules import configured, named_sources
from castro_spark.settings import Settings
from castro_spark.sinks.delta import ArchiveTable
from castro_spark.sinks.postgres import product_360 as view
from castro_spark.sinks.postgres.commit.ledger import read_ledger
from castro_spark.sinks.postgres.commit.quarantine import counts, oldest
from castro_spark.sinks.postgres.commit.skipped import report_skipped
from castro_spark.sinks.postgres.commit.source import fixed_source
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.warehouse.watermark import extracted
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sources.kafka import TopicState, topic_state
from castro_spark.streaming.archive import words
from castro_spark.streaming.product_360 import NAME
from castro_spark.streams.declaration import StreamDeclaration


def stream_status(spark: SparkSession, settings: Settings, stream: StreamDeclaration) -> dict[str, Any]:
    """The stream's state as plain data; asks PostgreSQL, Kafka and Redis."""
    state = topic_state(spark, settings.kafka, configured(stream, settings).topic)
    connection = connect(settings.postgres, "castro_spark status")
    try:
        ledger = read_ledger(connection, stream.name)
        if ledger is None:
            return {"stream": stream.name, "topic": state.topic, "started": False}
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT updated_at FROM castro.stream WHERE stream = %s", (stream.name,))
            (updated_at,) = cursor.fetchone() or (None,)
            unknown = _unknown_fields(cursor, stream.name)
        open_records = counts(connection, stream.name)
        skipped = report_skipped(connection, stream.name)
        errors = stream_errors(connection, stream, settings)
    finally:
        connection.close()
    return {
        "stream": stream.name,
        "topic": state.topic,
        "started": True,
        "topic_is_the_ledgers": state.id == ledger.topic_id,
        "writer": ledger.writer,
        "revision": ledger.revision,
        "committed_at": updated_at,
        "lag": {p: end - ledger.positions.get(p, 0) for p, end in sorted(state.ends.items())},
        "errors": errors,
        "quarantined": open_records,
        "skipped": {k: sum(s.records for s in skipped if s.kind == k) for k in sorted({s.kind for s in skipped})},
        "skipped_tables": {s.name: s.records for s in skipped if s.name},
        "skipped_tables_not_reported_before": [s.name for s in skipped if s.name and not s.reported],
        "unknown_fields": [name for name, _ in unknown],
        "unknown_fields_not_told_before": [name for name, told in unknown if not told],
        "redis": _redis(settings, stream.name, lambda published: published == ledger.revision),
        **({"archive": _archive(spark, settings, stream, state)} if settings.archive.dir is not None else {}),
    }


def product_360_status(settings: Settings) -> dict[str, Any]:
    """How fresh ml_product_360 is, and whether Redis holds it; asks PostgreSQL and Redis."""
    with closing(connect(settings.postgres, "castro_spark status")) as connection:
        if not view.is_migrated(connection):
            return {"migrated": False}
        revision, seen, refreshed_at = view.state(connection)
        found = view.look(connection, datetime.now(settings.zone).date())
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ml_product_360")
            (products,) = cursor.fetchone() or (0,)
    cache = _redis(settings, NAME, lambda published: not revision or published == revision)
    return {
        "migrated": True, "products": products, "to_refresh": len(found.products), "includes_revisions": seen,
        "refreshed_at": refreshed_at, "redis": cache,
    }  # fmt: skip


def warehouse_status(settings: Settings) -> list[dict[str, Any]]:
    """How far each table of the warehouse has been extracted; asks PostgreSQL."""
    with closing(connect(settings.postgres, "castro_spark status")) as connection:
        marks = extracted(connection)
    return [{"table": target, **marks.get(target, {"committed_at": None})} for target in settings.warehouse.mapped]


def stream_errors(connection: Connection, stream: StreamDeclaration, settings: Settings) -> list[dict[str, Any]]:
    """What needs a person: open records of another source, which are the stream's own or somebody's mistake."""
    found = oldest(connection, stream.name, Reason.OTHER_SOURCE.value)
    if found is None:
        return []
    with connection:
        fixed = fixed_source(connection, stream.name)
    taken = "; ".join(map(str, named_sources(stream, settings))) or str(fixed)
    return [{
        "state": Reason.OTHER_SOURCE.value,
        "since": found.quarantined_at,
        "problem": f"changes of {found.detail}, and the stream takes those of {taken}",
        "remedy": f"if they are the stream's, name each source in streams.{stream.name}.sources and replay them;"
        " else stop their connector and discard them: quarantine replay, or discard, --reason other_source",
    }]  # fmt: skip


def _unknown_fields(cursor: Any, stream: str) -> list[tuple[str, bool]]:
    """Fields that the source sends and the declaration does not know; whether they were told before (they are now)."""
    cursor.execute(
        "WITH before AS (SELECT name, reported_at IS NOT NULL AS told FROM castro.unknown_field WHERE stream = %s),"
        " told AS (UPDATE castro.unknown_field SET reported_at = now() WHERE stream = %s AND reported_at IS NULL)"
        " SELECT name, told FROM before ORDER BY name",
        (stream, stream),
    )
    found: list[tuple[str, bool]] = cursor.fetchall()
    return found


def _archive(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, state: TopicState
) -> dict[str, Any]:
    """How far the topic is archived; `lost` are records that aged out before."""
    try:
        held = ArchiveTable(spark, stream, settings.archive.folder(stream.name)).read()
    except (CastroError, Py4JError, PySparkException) as error:
        return {"readable": False, "error": words(error)}
    positions = held.positions if held is not None and held.topic_id == state.id else {}
    behind = {p: end - positions.get(p, state.beginnings[p]) for p, end in sorted(state.ends.items())}
    archived = (held.archived_at, held.lost) if held is not None else (None, {})
    return {"readable": True, "behind": behind, "archived_at": archived[0], "lost": archived[1]}


def _redis(settings: Settings, name: str, is_up_to_date: Callable[[int | None], bool]) -> dict[str, Any]:
    """What Redis holds of the projection `name`: the revision that its marker tells."""
    hashes = VersionedHashes(settings.redis, name, ())
    try:
        held = hashes.published()
    except redis.RedisError as error:
        return {"reachable": False, "error": str(error)}
    finally:
        hashes.close()
    published = held[1] if held else None
    return {"reachable": True, "revision": published, "up_to_date": is_up_to_date(published)}
