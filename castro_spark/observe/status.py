"""The status of the streams: lag of ledger, archive and Redis, quarantine, errors.

`Status` collects in two steps, `stored` and `topics`: PostgreSQL and Redis are queried before a JVM starts. Each step
yields its parts as they become available. A part that cannot be queried has an entry `error`; the others are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg2
import redis
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from castro_spark.errors import CastroError, NotMigrated, SourceError, first_line, in_words
from castro_spark.observe.instance import trouble
from castro_spark.parse.identity import Kinds
from castro_spark.parse.reasons import Reason
from castro_spark.projection.lag import projection_status
from castro_spark.rules import configured, named_sources
from castro_spark.settings import Settings
from castro_spark.sinks.delta import ArchiveTable
from castro_spark.sinks.postgres import product_360 as view
from castro_spark.sinks.postgres.commit.ledger import Ledger, read_ledger
from castro_spark.sinks.postgres.commit.quarantine import counts, oldest
from castro_spark.sinks.postgres.commit.skipped import report_skipped
from castro_spark.sinks.postgres.commit.source import fixed_source
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.instances import current
from castro_spark.sinks.postgres.pruning import quarantine_use
from castro_spark.sinks.postgres.warehouse.watermark import extracted
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sinks.redis.trouble import in_words as redis_in_words
from castro_spark.sources.kafka import TopicState, topic_states
from castro_spark.streams.declaration import StreamDeclaration

Part = dict[str, Any]


class Status:
    """The status of the given streams, the 360° view and the warehouse's tables, as plain data in `document`."""

    def __init__(self, settings: Settings, streams: list[StreamDeclaration]) -> None:
        self._settings = settings
        self._streams = streams
        self._ledgers: dict[str, Ledger] = {}
        self.document: Part = {"streams": [], "product_360": {}, "warehouse": []}

    @property
    def failed(self) -> bool:
        """Whether a part could not be queried, a stream that should run does not, or one is in an error state."""
        parts = [*self.document["streams"], self.document["product_360"], *self.document["warehouse"]]
        return any(part.get("trouble") or part.get("errors") for part in parts) or any(
            _failed(answer) for part in parts for answer in (part, part.get("redis"), part.get("archive"))
        )

    def stored(self) -> Iterator[tuple[str, Part]]:
        """What PostgreSQL and Redis hold, without Spark: one part per stream, for the view, and per warehouse table."""
        try:
            connection = connect(self._settings.postgres, "castro_spark status")
        except psycopg2.OperationalError as error:
            yield from self._unavailable(first_line(error))
            return
        with closing(connection):
            for stream in self._streams:
                part = _answer(lambda stream=stream: self._stream(connection, stream), connection)  # type: ignore[misc]
                part = {"stream": stream.name, "topic": self._topic(stream), **part}
                self.document["streams"].append(part)
                yield "stream", part
            self.document["product_360"] = _answer(lambda: self._view(connection), connection)
            yield "product_360", self.document["product_360"]
            marks = _answer(lambda: extracted(connection), connection)
            for target in self._settings.warehouse.mapped:
                mark = {"committed_at": None, "error": marks["error"]} if _failed(marks) else marks.get(target)
                part = {"table": target, **(mark or {"committed_at": None})}
                self.document["warehouse"].append(part)
                yield "table", part

    def topics(self, session: Callable[[], SparkSession]) -> Iterator[tuple[str, Part]]:
        """Each stream's topic as the brokers report it, and its archive; starts Spark by `session`. After `stored`."""
        try:
            spark = session()
            states = topic_states(spark, self._settings.kafka, [self._topic(s) for s in self._streams])
        except CastroError as error:  # no login
            states = {self._topic(s): SourceError(error.problem, error.remedy) for s in self._streams}
        except (PySparkException, Py4JError, OSError) as error:
            problem = f"Spark does not start: {in_words(error)}"
            unavailable = SourceError(problem, "is there a Java 17 or newer, and its memory?")
            states = {self._topic(s): unavailable for s in self._streams}
        for stream, part in zip(self._streams, self.document["streams"], strict=True):
            state = states[self._topic(stream)]
            reported: Part = {}
            ledger = self._ledgers.get(stream.name)
            if isinstance(state, SourceError):
                reported["error"] = str(state)
            elif ledger:
                reported["topic_is_the_ledgers"] = state.id == ledger.topic_id
                reported["lag"] = {p: end - ledger.positions.get(p, 0) for p, end in sorted(state.ends.items())}
                if self._settings.archive.dir is not None:
                    reported["archive"] = _archive(spark, self._settings, stream, state)
            errors = [source["error"] for source in (part, reported) if "error" in source]
            part.update(reported | ({"error": "\n".join(errors)} if errors else {}))
            yield "topic", {"stream": stream.name, "topic": self._topic(stream), **reported}

    def _topic(self, stream: StreamDeclaration) -> str:
        return configured(stream, self._settings).topic

    def _unavailable(self, error_text: str) -> Iterator[tuple[str, Part]]:
        """Sets the error on all parts; yields it once, since PostgreSQL is one server."""
        error = f"PostgreSQL: {error_text}\n  what to do: check postgres.dsn, the password, and that the server runs"
        for stream in self._streams:
            self.document["streams"].append({"stream": stream.name, "topic": self._topic(stream), "error": error})
        self.document["product_360"] = {"error": error}
        self.document["warehouse"] = [
            {"table": target, "committed_at": None, "error": error} for target in self._settings.warehouse.mapped
        ]
        yield "postgres", {"error": error}

    def _stream(self, connection: Connection, stream: StreamDeclaration) -> Part:
        ledger = read_ledger(connection, stream.name)
        running = current(connection, stream.name)
        state = {"instance": running, "trouble": trouble(running)}
        if ledger is None:
            return {"started": False, **state}
        self._ledgers[stream.name] = ledger
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT updated_at, ids_changed FROM castro.stream WHERE stream = %s", (stream.name,))
            updated_at, ids_changed = cursor.fetchone() or (None, 0)
        part = {
            "started": True,
            **state,
            "topic_is_the_ledgers": None,  # until the brokers are queried
            "writer": ledger.writer,
            "revision": ledger.revision,
            "committed_at": updated_at,
            "lag": None,
            "errors": stream_errors(connection, stream, self._settings),
            "quarantined": counts(connection, stream.name),
            "quarantine_warning": quarantine_use(connection, stream, self._settings.housekeeping).warning,
            "identities": {"stream": _names(ledger.kinds), "warehouse": _names(ledger.warehouse_kinds)},
            "ids_changed": ids_changed,
            "redis": projection_status(connection, self._settings, stream.name),
        }
        # Last: these record what was reported, so nothing after them may fail.
        with connection, connection.cursor() as cursor:
            unknown = _unknown_fields(cursor, stream.name)
        skipped = report_skipped(connection, stream.name)
        return {
            **part,
            "skipped": {k: sum(s.records for s in skipped if s.kind == k) for k in sorted({s.kind for s in skipped})},
            "skipped_tables": {s.name: s.records for s in skipped if s.name},
            "skipped_tables_not_reported_before": [s.name for s in skipped if s.name and not s.reported],
            "unknown_fields": [name for name, _ in unknown],
            "unknown_fields_not_reported_before": [name for name, reported in unknown if not reported],
        }

    def _view(self, connection: Connection) -> Part:
        if not view.is_migrated(connection):
            return {"migrated": False}
        revision, seen, refreshed_at = view.state(connection)
        pending = view.look(connection, datetime.now(self._settings.zone).date())
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ml_product_360")
            (products,) = cursor.fetchone() or (0,)
        return {
            "migrated": True, "products": products, "to_refresh": len(pending.products), "includes_revisions": seen,
            "refreshed_at": refreshed_at,
            "redis": self._redis_of_view(revision),
        }  # fmt: skip

    def _redis_of_view(self, revision: int) -> Part:
        """The 360° view in Redis: the revision in its marker."""
        hashes = VersionedHashes(self._settings.redis, view.NAME, ())
        try:
            marker = hashes.published()
        except redis.RedisError as error:
            return {"reachable": False, "error": redis_in_words(error)}
        finally:
            hashes.close()
        published = marker[1] if marker else None
        return {"reachable": True, "revision": published, "up_to_date": not revision or published == revision}


def stream_errors(connection: Connection, stream: StreamDeclaration, settings: Settings) -> list[Part]:
    """Conditions that need a decision: open quarantine records of another source, legitimate or misrouted."""
    record = oldest(connection, stream.name, Reason.OTHER_SOURCE.value)
    if record is None:
        return []
    with connection:
        fixed = fixed_source(connection, stream.name)
    taken = "; ".join(map(str, named_sources(stream, settings))) or str(fixed)
    return [{
        "state": Reason.OTHER_SOURCE.value,
        "since": record.quarantined_at,
        "problem": f"changes of {record.detail}, and the stream takes those of {taken}",
        "remedy": f"if they are the stream's, name each source in streams.{stream.name}.sources and replay them;"
        " else stop their connector and discard them: quarantine replay, or discard, --reason other_source",
    }]  # fmt: skip


def _names(kinds: Kinds) -> list[str]:
    return sorted(kind.value for kind in kinds)


def _failed(part: Any) -> bool:
    return isinstance(part, dict) and "error" in part


def _answer(question: Callable[[], Part], connection: Connection) -> Part:
    """The answer, or a part with an entry `error`; leaves the connection usable."""
    try:
        return question()
    except psycopg2.errors.UndefinedTable as error:
        problem = NotMigrated(first_line(error), "run ./spark-submit.sh migrate with the same settings")
        return {"error": f"PostgreSQL: {problem}"}
    except (CastroError, psycopg2.Error) as error:
        return {"error": f"PostgreSQL: {in_words(error)}"}
    finally:
        if not connection.closed:
            connection.rollback()


def _unknown_fields(cursor: Any, stream: str) -> list[tuple[str, bool]]:
    """Source fields that the declaration does not know, and whether each was reported before; marks all as reported."""
    cursor.execute(
        "WITH before AS (SELECT name, reported_at IS NOT NULL AS reported FROM castro.unknown_field WHERE stream = %s),"
        " now AS (UPDATE castro.unknown_field SET reported_at = now() WHERE stream = %s AND reported_at IS NULL)"
        " SELECT name, reported FROM before ORDER BY name",
        (stream, stream),
    )
    fields: list[tuple[str, bool]] = cursor.fetchall()
    return fields


def _archive(spark: SparkSession, settings: Settings, stream: StreamDeclaration, state: TopicState) -> Part:
    """How far the topic is archived; `lost` counts records that aged out before they were archived."""
    try:
        table = ArchiveTable(spark, stream, settings.archive.folder(stream.name)).read()
    except (CastroError, Py4JError, PySparkException) as error:
        return {"readable": False, "error": in_words(error)}
    positions = table.positions if table is not None and table.topic_id == state.id else {}
    behind = {p: end - positions.get(p, state.beginnings[p]) for p, end in sorted(state.ends.items())}
    archived = (table.archived_at, table.lost) if table is not None else (None, {})
    return {"readable": True, "behind": behind, "archived_at": archived[0], "lost": archived[1]}
