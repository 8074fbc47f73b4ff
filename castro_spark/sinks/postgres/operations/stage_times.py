"""castro.stage_time: how long the stages of the running parts' work take, as histograms, written by the heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from castro_spark.process.histogram import Histogram
from castro_spark.sinks.postgres.connection import Connection, statement


def add_stage_times(connection: Connection, kind: str, stream: str, stages: Mapping[str, Histogram]) -> None:
    """Adds what a part has measured since the last time, in one transaction. Repeated, it counts twice."""
    with connection, connection.cursor() as cursor:
        for stage, times in stages.items():
            row = {"kind": kind, "stream": stream, "stage": stage, "buckets": times.counts, "seconds": times.seconds}
            cursor.execute(statement("latency/add_stage.sql"), row)


def stage_totals(connection: Connection) -> dict[tuple[str, str, str], Histogram]:
    """By kind of part, stream ("" for a part of none) and stage: all that were ever counted."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, stream, stage, buckets, seconds FROM castro.stage_time"
            " WHERE starts_at = '-infinity' ORDER BY kind, stream, stage"
        )
        return {(kind, stream, stage): Histogram(*row) for kind, stream, stage, *row in cursor.fetchall()}


def stage_series(
    connection: Connection, kind: str, stream: str, since: datetime
) -> list[tuple[datetime, str, Histogram]]:
    """A part's intervals of five minutes from `since` on, oldest first: start, stage, times."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT starts_at, stage, buckets, seconds FROM castro.stage_time"
            " WHERE kind = %s AND stream = %s AND starts_at >= %s ORDER BY starts_at, stage",
            (kind, stream, since),
        )
        return [(starts_at, stage, Histogram(*row)) for starts_at, stage, *row in cursor.fetchall()]
