"""The demo's final report: rows, a product's daily and monthly aggregates, its hashes, bad records, offset counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

import click
from psycopg2 import sql
from rich.console import Console
from rich.table import Table

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.redis.hashes import client
from castro_spark.sinks.redis.keys import product_360_key, realtime_key
from castro_spark.streams.declaration import StreamDeclaration

_WIDTH = 140


def show(settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
    """Prints it all from PostgreSQL and Redis."""
    with closing(connect(settings.postgres, "castro_spark demo")) as connection:
        for stream in streams:
            _show_stream(connection, settings, stream)
        _show_360(connection, settings)
        _table(
            connection,
            "Bad records, stored with their bytes",
            "SELECT stream, reason, count(*), min(detail) AS for_example FROM castro.quarantine WHERE status = 'open'"
            " GROUP BY stream, reason ORDER BY stream, reason",
        )
        _table(
            connection,
            "The books: offsets consumed = sum of their outcomes",
            "SELECT stream, partition, sum(to_offset - from_offset) AS consumed, sum(inserted) AS inserted,"
            " sum(corrected) AS corrected, sum(stale) AS stale, sum(deleted) AS deleted,"
            " sum(quarantined) AS quarantined, sum(skipped) AS skipped, sum(gaps) AS gaps FROM castro.batch_books"
            " GROUP BY stream, partition ORDER BY stream, partition",
        )


def _show_stream(connection: Connection, settings: Settings, stream: StreamDeclaration) -> None:
    shown = {"event_id", *stream.columns, "value_total"} - {"product_code"}
    columns = ("product_code", *(column for column in stream.event_columns if column in shown))
    parts: dict[str, sql.Composable] = {
        "events": sql.Identifier(stream.events_table),
        "daily": sql.Identifier(stream.daily_table),
        "monthly": sql.Identifier(stream.monthly_table),
        "columns": sql.SQL(", ").join(sql.Identifier(c) for c in columns),
        "sums": sql.SQL(", ").join(sql.Identifier(c) for c in stream.aggregate_columns),
    }
    rows = _table(
        connection,
        f"{stream.name}: newest events in PostgreSQL",
        'SELECT {columns} FROM {events} ORDER BY "timestamp" DESC LIMIT 3',
        parts=parts,
    )
    if not rows:
        click.echo(f"{stream.name}: no events.")
        return
    code = rows[0][0]
    for title, query in (
        ("days", "SELECT date, {sums} FROM {daily} WHERE product_code = %s ORDER BY date DESC LIMIT 2"),
        ("months", "SELECT month, {sums} FROM {monthly} WHERE product_code = %s ORDER BY month DESC LIMIT 2"),
    ):
        _table(connection, f"{stream.name}: {title} of {code}", query, code, parts=parts)
    _hashes(settings, stream, code)


def _show_360(connection: Connection, settings: Settings) -> None:
    """Shows one product's row vertically: it has too many columns for one line."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ml_product_360 ORDER BY last_sale_at DESC NULLS LAST LIMIT 1")
        row = cursor.fetchone()
        columns = [column.name for column in cursor.description or ()]
    if row is None:
        return
    grid = Table(title=f"ml_product_360: {row[0]} over the three streams", title_justify="left", title_style="bold")
    half = (len(columns) + 1) // 2
    for name in ("column", "value") * 2:
        grid.add_column(name, overflow="fold")
    cells = [(name, _text(value)) for name, value in zip(columns, row, strict=True)] + [("", "")]
    for left, right in zip(cells[:half], cells[half:], strict=False):
        grid.add_row(*left, *right)
    _console().print(grid)
    key = product_360_key(row[0])
    with closing(client(settings.redis)) as redis:
        click.echo(f"{key}: {redis.hlen(key)} fields, TTL {redis.ttl(key)} s")


def _table(
    connection: Connection, title: str, query: str, *parameters: Any, parts: Mapping[str, sql.Composable] | None = None
) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL(query).format(**(parts or {})), parameters)
        rows = cursor.fetchall()
        grid = Table(title=title, title_justify="left", title_style="bold")
        for column in cursor.description or ():
            grid.add_column(column.name, overflow="fold")
        for row in rows:
            grid.add_row(*(_text(value) for value in row))
    _console().print(grid)
    return rows


def _text(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _hashes(settings: Settings, stream: StreamDeclaration, code: str) -> None:
    grid = Table(title=f"{stream.name}: Redis hashes of {code}", title_justify="left", title_style="bold")
    for column in ("key", "TTL s", "fields"):
        grid.add_column(column, overflow="fold")
    prefix = stream.aggregate_prefix
    with closing(client(settings.redis)) as connection:
        for pattern in (realtime_key(stream, code), f"{prefix}:daily:{code}:*", f"{prefix}:monthly:{code}:*"):
            for key in sorted(connection.scan_iter(pattern, count=5000))[-2:]:
                fields: Any = connection.hgetall(key)
                text = ", ".join(f"{k.decode()}={v.decode()}" for k, v in fields.items())
                grid.add_row(key.decode(), str(connection.ttl(key)), text)
    _console().print(grid)


def _console() -> Console:
    """A console wide enough for the tables, also if the output is not a terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
