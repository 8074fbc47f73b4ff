"""The values of the metrics, from PostgreSQL: a statement a subject. None reads the events or the aggregates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from castro_spark.incidents.incident import Level
from castro_spark.observe.instance import is_silent
from castro_spark.observe.metrics import catalogue as m
from castro_spark.observe.metrics.catalogue import Metric
from castro_spark.process.component import State
from castro_spark.process.histogram import Histogram
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.operations.instances import all_current
from castro_spark.sinks.postgres.operations.latency import latency_totals, outcome_totals
from castro_spark.sinks.postgres.operations.stage_times import stage_totals

SILENT = "silent"  # beside the states of an instance


@dataclass(frozen=True)
class Sample:
    """A value of a metric, with the values of its labels in their order."""

    metric: Metric
    value: float | Histogram
    labels: tuple[str, ...] = ()


def samples(connection: Connection, channels: tuple[str, ...]) -> Iterator[Sample]:
    """All of them. `channels`: those of the settings, which are 0 where the outbox has nothing for them."""
    for part in (_partitions, _streams, _records, _times, _instances, _quarantine, _incidents, _warehouse, _jobs):
        yield from _known(part(connection))
    yield from _known(_outbox(connection, channels))


def _known(found: Iterator[tuple[Metric, float | Histogram | None, tuple[str, ...]]]) -> Iterator[Sample]:
    """Without those that have no value."""
    return (Sample(metric, value, labels) for metric, value, labels in found if value is not None)


_Found = Iterator[tuple[Metric, float | Histogram | None, tuple[str, ...]]]


def _partitions(connection: Connection) -> _Found:
    for stream, partition, next_offset, end, record_at, waiting, waits in _rows(connection, "metrics/partitions.sql"):
        labels = stream, str(partition)
        yield m.LEDGER_OFFSET, next_offset, labels
        yield m.RECORD_TIME, record_at, labels
        if end is not None:
            yield m.TOPIC_OFFSET, end, labels
            yield m.LAG_RECORDS, waiting, labels
            yield m.LAG_SECONDS, waits, labels


def _streams(connection: Connection) -> _Found:
    for stream, revision, committed, seen, lag, seconds, fails in _rows(connection, "metrics/streams.sql"):
        yield m.COMMITS, revision, (stream,)
        yield m.COMMITTED, committed, (stream,)
        yield m.TOPIC_SEEN, seen, (stream,)
        yield m.PROJECTION_COMMITS, lag, (stream,)
        yield m.PROJECTION_SECONDS, seconds, (stream,)
        yield m.PROJECTION_FAILS, float(fails), (stream,)


def _records(connection: Connection) -> _Found:
    for labels, records in outcome_totals(connection).items():
        yield m.RECORDS, records, labels


def _times(connection: Connection) -> _Found:
    for labels, latencies in latency_totals(connection).items():
        yield m.LATENCY, latencies.histogram, labels
        yield m.AHEAD, latencies.ahead, labels
        yield m.NOT_MEASURED, latencies.late, (*labels, "late")
        yield m.NOT_MEASURED, latencies.untimed, (*labels, "untimed")
    for stage, histogram in stage_totals(connection).items():
        yield m.STAGE, histogram, stage


def _instances(connection: Connection) -> _Found:
    for row in all_current(connection):
        part = row["kind"], row["stream"]
        state = SILENT if is_silent(row) else row["state"]
        for each in (*(s.value for s in State), SILENT):
            yield m.STATE, float(each == state), (*part, each)
        yield m.HEARTBEAT, row["heartbeat_at"].timestamp(), part
        yield m.STARTED, row["started_at"].timestamp(), part
        if row["kind"] == "stream":
            yield m.RESTARTS, row["restarts"], (row["stream"],)
        if row["kind"] == "group_offsets":
            yield m.OFFSETS_PUBLISHED, row["committed_at"] and row["committed_at"].timestamp(), (row["stream"],)
            yield m.OFFSETS_FAILED, (row["progress"] or {}).get("failures", 0), (row["stream"],)


def _quarantine(connection: Connection) -> _Found:
    for stream, reason, records in _rows(connection, "metrics/quarantine.sql"):
        yield m.QUARANTINE, records, (stream, reason)


def _outbox(connection: Connection, channels: tuple[str, ...]) -> _Found:
    found = {channel: counts for channel, *counts in _rows(connection, "metrics/outbox.sql")}
    for channel, (pending, dead, oldest) in {**dict.fromkeys(channels, (0, 0, None)), **found}.items():
        yield m.PENDING, pending, (channel,)
        yield m.DEAD, dead, (channel,)
        yield m.OLDEST_PENDING, oldest, (channel,)


def _incidents(connection: Connection) -> _Found:
    for check, subject, level, muted in _rows(connection, "metrics/incidents.sql"):
        yield m.INCIDENT, 1.0, (check, subject, Level(level).name.lower(), str(muted).lower())


def _warehouse(connection: Connection) -> _Found:
    for table, extracted, watermark in _rows(connection, "metrics/warehouse.sql"):
        yield m.EXTRACTED, extracted, (table,)
        yield m.WATERMARK, watermark, (table,)


def _jobs(connection: Connection) -> _Found:
    for job, stream, done, failed in _rows(connection, "metrics/jobs.sql"):
        yield m.JOB_DONE, done, (job, stream)
        yield m.JOB_FAILED, failed, (job, stream)
    for (refreshed,) in _rows(connection, "metrics/product_360.sql"):
        yield m.REFRESHED, refreshed, ()


def _rows(connection: Connection, path: str) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement(path))
        return cursor.fetchall()
