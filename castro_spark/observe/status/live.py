"""Status with `--live`: each stream's topic as the brokers report it now, and its archive. The only part with Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timezone

import psycopg2
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from castro_spark.errors import CastroError, SourceError, in_words
from castro_spark.observe.status.block import Part
from castro_spark.observe.status.blocks.streams import lag
from castro_spark.observe.status.collect import Status
from castro_spark.settings import Settings
from castro_spark.sinks.delta import ArchiveTable
from castro_spark.sinks.postgres.commit.ledger import Ledger, read_ledger
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sources.kafka.topics import TopicState, topic_states
from castro_spark.streams.declaration import StreamDeclaration


def topics(status: Status, session: Callable[[], SparkSession]) -> Iterator[Part]:
    """Each stream's topic and archive; also adds them to the status. Starts Spark by `session`. After `stored`."""
    settings, parts = status.settings, status.document["streams"]
    try:
        spark = session()
        states = topic_states(spark, settings.kafka, [part["topic"] for part in parts])
    except CastroError as error:  # no login
        states = {part["topic"]: SourceError(error.problem, error.remedy) for part in parts}
    except (PySparkException, Py4JError, OSError) as error:
        problem = f"Spark does not start: {in_words(error)}"
        unavailable = SourceError(problem, "is there a Java 17 or newer, and its memory?")
        states = {part["topic"]: unavailable for part in parts}
    ledgers = _ledgers(status)  # after the topics: what is committed by now is no lag
    for stream, part in zip(status.streams, parts, strict=True):
        state = states[part["topic"]]
        reported: Part = {}
        if isinstance(state, SourceError):
            reported["error"] = str(state)
        elif ledger := ledgers.get(stream.name):
            now = datetime.now(timezone.utc)
            reported = {**lag(ledger, state.id, state.ends), "lag_seen_at": now, "lag_age_seconds": 0.0}
            if settings.archive.dir is not None:
                archive = _archive(spark, settings, stream, state)
                fails = part.get("archive", {}).get("error")  # what the archiver tells: the table does not know it
                reported["archive"] = archive if fails is None else {"error": fails, **archive}
        errors = [source["error"] for source in (part, reported) if "error" in source]
        part.update(reported | ({"error": "\n".join(errors)} if errors else {}))
        yield {"stream": stream.name, "topic": part["topic"], **reported}


def _ledgers(status: Status) -> dict[str, Ledger]:
    try:
        with closing(connect(status.settings.postgres, "castro_spark status")) as connection:
            found = {stream.name: read_ledger(connection, stream.name) for stream in status.streams}
    except (psycopg2.Error, CastroError):  # reported by `stored`
        return {}
    return {name: ledger for name, ledger in found.items() if ledger is not None}


def _archive(spark: SparkSession, settings: Settings, stream: StreamDeclaration, state: TopicState) -> Part:
    """How far the topic is archived; `lost` counts records that aged out before they were archived."""
    try:
        table = ArchiveTable(spark, stream, settings.archive.folder(stream.name)).read()
    except (CastroError, Py4JError, PySparkException) as error:
        return {"readable": False, "error": in_words(error)}
    positions = table.positions if table is not None and table.topic_id == state.id else {}
    behind = {p: end - positions.get(p, state.beginnings[p]) for p, end in sorted(state.ends.items())}
    archived = (table.archived_at, table.lost) if table is not None else (None, {})
    return {
        "readable": True, "behind": behind, "archived_at": archived[0], "lost": archived[1],
        "seen_at": datetime.now(timezone.utc),
    }  # fmt: skip
