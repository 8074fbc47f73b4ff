"""One stream's commit statements, composed once from its declaration and sql/commit/."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql

from castro_spark.sinks.postgres.connection import names, statement
from castro_spark.sinks.postgres.schema.working_tables import SHARED_SLOTS, TEMPORARY, events_table, rejects_table
from castro_spark.streams.declaration import Measure, StreamDeclaration

# The period's column, its expression over a date, its length.
_DAILY = ("date", "d.date", "1")
_MONTHLY = ("month", "date_trunc('month', d.date)::date", "interval '1 month'")


@dataclass(frozen=True)
class Aggregate:
    """The statements for the daily or the monthly table."""

    merge: sql.Composed
    remove_emptied: sql.Composed


@dataclass(frozen=True)
class Statements:
    """The statements of one stream's commit, some of them by staging slot."""

    create_temporary: sql.Composed
    count_staged: dict[str, sql.Composed]
    merge_events: dict[str, sql.Composed]
    quarantine: dict[str, sql.Composed]
    newest: sql.Composed
    note_touched: sql.Composed
    resolve: sql.Composed
    note_unknown: sql.Composed
    daily: Aggregate
    monthly: Aggregate


NEWER = sql.SQL("<")
AS_NEW = sql.SQL("<=")


def statements(stream: StreamDeclaration, beats: sql.SQL = NEWER) -> Statements:
    """All statements of `stream`. A staged event applies if stored position `beats` (< or <=) staged position."""
    sums = ("transactions", "volume", "value", *(m.name for m in stream.measures))
    slots = (TEMPORARY, *SHARED_SLOTS)
    events = sql.Identifier(stream.events_table)
    return Statements(
        create_temporary=statement(
            "commit/create_temporary.sql",
            events=events,
            sums=names(sums, lambda c: sql.Identifier(c) + sql.SQL(" numeric")),
        ),
        count_staged={
            slot: statement(
                "commit/count_staged.sql",
                staged_events=events_table(stream, slot),
                staged_rejects=rejects_table(stream, slot),
            )
            for slot in slots
        },
        merge_events={slot: _merge_events(stream, slot, beats) for slot in slots},
        quarantine={
            slot: statement("commit/quarantine.sql", staged_rejects=rejects_table(stream, slot)) for slot in slots
        },
        newest=statement(
            "commit/newest_of_touched.sql",
            events=events,
            columns=names(stream.event_columns),
            values=names(stream.event_columns, lambda c: sql.SQL("e.{}").format(sql.Identifier(c))),
        ),
        note_touched=statement("commit/note_touched.sql"),
        resolve=statement("commit/resolve_quarantined.sql", staged_rejects=rejects_table(stream, TEMPORARY)),
        note_unknown=statement("commit/note_unknown_fields.sql"),
        daily=_aggregate(stream, stream.daily_table, sums, *_DAILY),
        monthly=_aggregate(stream, stream.monthly_table, sums, *_MONTHLY),
    )


def _merge_events(stream: StreamDeclaration, slot: str, beats: sql.SQL) -> sql.Composed:
    def staged(column: str) -> sql.Composable:
        return sql.SQL("c.{}").format(sql.Identifier(column))

    def old(column: str) -> sql.Composable:
        return sql.SQL("o.{} AS {}").format(sql.Identifier(column), sql.Identifier(f"old_{column}"))

    wheres = dict.fromkeys(m.where for m in stream.measures)
    old_columns = ("product_code", "date", "quantity", "value_total", *wheres)
    return statement(
        "commit/merge_events.sql",
        beats=beats,
        events=sql.Identifier(stream.events_table),
        staged_events=events_table(stream, slot),
        old_columns=names(tuple(old_columns), old),
        columns=names(stream.event_columns),
        values=names(stream.event_columns, staged),
        new_measures=sql.Composed([_share(m, "", 1) for m in stream.measures]),
        old_measures=sql.Composed([_share(m, "old_", -1) for m in stream.measures]),
        sum_measures=sql.Composed(
            [sql.SQL(", sum({})").format(sql.Identifier(m.name)) for m in stream.measures]
        ),
    )


def _share(measure: Measure, prefix: str, sign: int) -> sql.Composed:
    return sql.SQL(", CASE WHEN {where} IN ({among}) THEN {sign} * {summed} ELSE 0 END AS {name}").format(
        where=sql.Identifier(f"{prefix}{measure.where}"),
        among=sql.SQL(", ").join(sql.Literal(value) for value in measure.among),
        sign=sql.Literal(sign),
        summed=sql.Identifier(f"{prefix}{measure.of}"),
        name=sql.Identifier(measure.name),
    )


def _aggregate(
    stream: StreamDeclaration, table: str, sums: tuple[str, ...], period: str, of_date: str, length: str
) -> Aggregate:
    parts: dict[str, sql.Composable] = {
        "aggregate": sql.Identifier(table),
        "period": sql.Identifier(period),
        "period_of_date": sql.SQL(of_date),
        "period_name": sql.Literal(period),
    }
    merge = statement(
        "commit/merge_aggregate.sql",
        **parts,
        events=sql.Identifier(stream.events_table),
        price=sql.Identifier(stream.price),
        last_price=sql.Identifier(stream.last_price),
        length=sql.SQL(length),
        sums=names(sums),
        delta_sums=names(sums, lambda c: sql.SQL("d.{}").format(sql.Identifier(c))),
        total_sums=names(sums, lambda c: sql.SQL("sum({0}) AS {0}").format(sql.Identifier(c))),
        added_sums=names(sums, lambda c: sql.SQL("{0} = t.{0} + EXCLUDED.{0}").format(sql.Identifier(c))),
    )
    return Aggregate(merge, statement("commit/remove_emptied.sql", **parts))
