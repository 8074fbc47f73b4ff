"""Checks of the way from the topic to the tables: freshness, record counts, share of quarantine, schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from psycopg2 import sql

from castro_spark.errors import SourceError, TypeChanged, first_line
from castro_spark.quality.context import Context, Snapshot, tables
from castro_spark.quality.judge.counts import Committed, Counted, Differs, Partition, judge_counts
from castro_spark.quality.judge.freshness import Freshness, Rung, ages, judge_freshness
from castro_spark.quality.judge.schema import Schema, judge_schema
from castro_spark.quality.judge.shares import Quarantine, judge_quarantine
from castro_spark.quality.measure.events import nulls
from castro_spark.quality.result import Result
from castro_spark.sections.quality import CountLimits, LagLimits, SchemaLimits, WindowedShareLimits
from castro_spark.sections.warehouse import LOADED_AT
from castro_spark.sinks.postgres.schema.stream_tables import changes, stream_tables
from castro_spark.sinks.postgres.warehouse.tables import lacking
from castro_spark.sources.kafka.ends import TopicEnds
from castro_spark.streams.declaration import StreamDeclaration

_NEWEST_REJECTS = 5000  # how many open records are looked at for their reasons
_COMMITS = 200  # newest commits that may be compared with the tables
_OWN_COLUMNS = ("created_at", "updated_at")


def freshness(context: Context, subject: str, limits: LagLimits) -> Result:
    """Asks Kafka for bounds and times only; no record is read, and no consumer group is joined."""
    stream = context.streams[subject]
    with context.snapshot() as snapshot:  # before Kafka: what is committed meanwhile is in the topic, not the reverse
        ledger = _ledger(snapshot, subject)
    now = datetime.now(timezone.utc)
    if ledger is None:
        return judge_freshness(subject, Freshness(False, now), limits)
    topic = context.topics.ends(stream.topic)
    waiting = [p for p, end in topic.ends.items() if end > ledger[0].get(p, 0)]
    rungs = []
    for seconds in ages(limits) if waiting else ():
        offsets = context.topics.offsets_at(stream.topic, waiting, now - timedelta(seconds=seconds))
        rungs.append(Rung(seconds, offsets))
        if all(ledger[0].get(p, 0) >= offsets.get(p, topic.ends[p]) for p in waiting):
            break  # nothing that waits is older
    held_back = sum(end - topic.committed[p] for p, end in topic.ends.items())
    seen = Freshness(True, now, ledger[0], topic.ends, rungs, newest_of(topic), ledger[1], held_back)
    return judge_freshness(subject, seen, limits)


def newest_of(topic: TopicEnds) -> dict[int, tuple[int, datetime]]:
    """The records with the greatest times, as the judgements take them."""
    return {p: (newest.offset, newest.at) for p, newest in topic.newest.items()}


def _ledger(snapshot: Snapshot, stream: str) -> tuple[dict[int, int], dict[int, float]] | None:
    """The ledger's offsets, and the seconds since each was moved; None if the stream was never started."""
    snapshot.cursor.execute(
        "SELECT partition, next_offset, extract(epoch FROM now() - updated_at)::float8"
        " FROM castro.offset_ledger WHERE stream = %s",
        (stream,),
    )
    found = snapshot.cursor.fetchall()
    return ({p: n for p, n, _ in found}, {p: age for p, _, age in found}) if found else None


def record_counts(context: Context, subject: str, limits: CountLimits) -> Result:
    """The ledger is read before the topic, so the topic may only be ahead."""
    stream = context.streams[subject]
    with context.snapshot() as snapshot:
        snapshot.cursor.execute("SELECT topic_id FROM castro.stream WHERE stream = %s", (subject,))
        known = snapshot.cursor.fetchone()
        if known is None:
            return judge_counts(subject, Counted(started=False), limits)
        partitions = {
            p: Partition(position, end, books, jumps, offsets, records, gaps)
            for p, position, _, end, books, jumps, offsets, records, gaps in snapshot.rows(
                "quality/books.sql", {"stream": subject, "revisions": limits.revisions}
            )
        }
        newest = {"stream": subject, "commits": _COMMITS, "rows": limits.commit_rows}
        committed = snapshot.row("quality/committed.sql", newest, **tables(stream))
        sample = {
            "days": context.tested, "salt": context.salt, "products": context.settings.quality.sample_products,
        }  # fmt: skip
        of = tables(stream)
        daily = snapshot.rows("quality/daily_sums.sql", sample, events=of["events"], daily=of["daily"])
        monthly = snapshot.rows("quality/monthly_sums.sql", sample, daily=of["daily"], monthly=of["monthly"])
    topic, error = _topic(context, stream)
    seen = Counted(
        True, known[0], kafka_error=error, partitions=partitions, committed=Committed(*committed),
        daily=[Differs(*row) for row in daily], monthly=[Differs(*row) for row in monthly],
    )  # fmt: skip
    if topic is not None:
        seen = replace(seen, topic_id=topic.id, beginnings=topic.beginnings, ends=topic.ends)
    return judge_counts(subject, seen, limits)


def _topic(context: Context, stream: StreamDeclaration) -> tuple[TopicEnds | None, str | None]:
    try:
        return context.topics.ends(stream.topic), None
    except SourceError as error:
        return None, first_line(error)


def quarantine_share(context: Context, subject: str, limits: WindowedShareLimits) -> Result:
    """By the books of the last minutes."""
    with context.snapshot() as snapshot:
        records, quarantined = snapshot.row("quality/quarantined.sql", {"stream": subject, "window": limits.window})
        rejected = _rejected(snapshot, subject, limits.window)
    reasons: dict[str, int] = {}
    for reason, _, n in rejected:
        reasons[reason] = reasons.get(reason, 0) + n
    return judge_quarantine(subject, Quarantine(records, quarantined, reasons), limits)


def schema(context: Context, subject: str, limits: SchemaLimits) -> Result:
    """A stream's tables and fields, or a table of the warehouse's mapping."""
    if subject not in context.streams:
        return _schema_of_target(context, subject, limits)
    stream = context.streams[subject]
    with context.snapshot() as snapshot:
        try:
            lacks = [change.lacks for change in changes(snapshot.cursor, stream)]
        except TypeChanged as error:
            lacks = [first_line(error)]
        missing = [name for name in _names(stream) if not snapshot.exists(name)]
        extra = [
            f"{table.title}.{column}"
            for table in stream_tables(stream)
            if not table.internal
            for column in _extra(snapshot, table.title, {*table.columns, *_OWN_COLUMNS})
        ]
        lately = {"stream": subject, "days": limits.new_field_days}
        unknown = [name for (name,) in snapshot.rows("quality/unknown_fields.sql", lately)]
        rejected = _rejected(snapshot, subject, timedelta(hours=limits.missing_hours))
    fields = {field.column: field.name for field in stream.fields}
    tested, baseline = ([], []) if missing or lacks else nulls(context, stream, by_kind=False)
    seen = Schema(
        [*(f"there is no table {name}" for name in missing), *lacks], extra, unknown,
        {field: n for reason, field, n in rejected if reason == "missing_field" and field in fields.values()},
        tested, baseline, fields,
    )  # fmt: skip
    return judge_schema(subject, seen, limits)


def _schema_of_target(context: Context, target: str, limits: SchemaLimits) -> Result:
    mapping = context.settings.warehouse.mapped[target]
    with context.snapshot() as snapshot:
        lacks = lacking(snapshot.cursor, target, mapping)
        extra = [] if lacks else _extra(snapshot, target, {*mapping.columns, LOADED_AT})
    return judge_schema(target, Schema(lacks, [f"{target}.{column}" for column in extra]), limits)


def _names(stream: StreamDeclaration) -> tuple[str, ...]:
    return stream.events_table, stream.daily_table, stream.monthly_table


def _extra(snapshot: Snapshot, table: str, known: set[str]) -> list[str]:
    name = sql.Identifier(table).as_string(snapshot.cursor)
    return [column for (column,) in snapshot.rows("quality/extra_columns.sql", {"table": name, "known": sorted(known)})]


def _rejected(snapshot: Snapshot, stream: str, window: timedelta) -> list[tuple[Any, ...]]:
    parameters: Mapping[str, object] = {"stream": stream, "window": window, "most": _NEWEST_REJECTS}
    return snapshot.rows("quality/quarantined_reasons.sql", parameters)
