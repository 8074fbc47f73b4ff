"""What the demo shows at its end: rows, a product's day and month, its hashes, the bad records, the books."""

from __future__ import annotations

from typing import Any

import click
from psycopg2 import sql
from rich.console import Console
from rich.table import Table

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.redis.publish import client
from castro_spark.streams.declaration import StreamDeclaration

_WIDTH = 140


def show(settings: Settings, stream: StreamDeclaration) -> None:
    """Prints it all from PostgreSQL and Redis."""
    connection = connect(settings.postgres, "castro_spark demo")
    try:
        _show(connection, settings, stream)
    finally:
        connection.close()


def _show(connection: Connection, settings: Settings, stream: StreamDeclaration) -> None:
    names: dict[str, sql.Composable] = {
        "events": sql.Identifier(stream.events_table),
        "daily": sql.Identifier(stream.daily_table),
        "monthly": sql.Identifier(stream.monthly_table),
        "sums": sql.SQL(", ").join(sql.Identifier(c) for c in stream.aggregate_columns),
    }

    def table(title: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL(query).format(**names), parameters)
            rows = cursor.fetchall()
            grid = Table(title=title, title_justify="left", title_style="bold")
            for column in cursor.description or ():
                grid.add_column(column.name, overflow="fold")
            for row in rows:
                grid.add_row(*(str(value) for value in row))
        _console().print(grid)
        return rows

    rows = table(
        "Newest events in PostgreSQL",
        "SELECT event_id, product_code, transaction_type AS type, trim_scale(quantity) AS quantity, unit_cost,"
        ' value_total, "timestamp", warehouse FROM {events} ORDER BY "timestamp" DESC LIMIT 5',
    )
    if not rows:
        click.echo("Nothing came through.")
        return
    code = rows[0][1]
    table(
        f"Days of {code}",
        "SELECT date, {sums} FROM {daily} WHERE product_code = %s ORDER BY date DESC LIMIT 3",
        code,
    )
    table(
        f"Months of {code}",
        "SELECT month, {sums} FROM {monthly} WHERE product_code = %s ORDER BY month DESC LIMIT 2",
        code,
    )
    _hashes(settings, code)
    table(
        "Bad records, kept with their bytes",
        "SELECT reason, count(*), min(detail) AS for_example FROM castro.quarantine WHERE status = 'open'"
        " GROUP BY reason ORDER BY reason",
    )
    table(
        "The books: offsets consumed = what became of them",
        "SELECT partition, sum(to_offset - from_offset) AS consumed, sum(inserted) AS inserted, sum(corrected) AS"
        " corrected, sum(stale) AS stale, sum(quarantined) AS quarantined, sum(skipped) AS skipped, sum(gaps) AS gaps"
        " FROM castro.batch_books GROUP BY partition ORDER BY partition",
    )


def _hashes(settings: Settings, code: str) -> None:
    grid = Table(title=f"Redis hashes of {code}", title_justify="left", title_style="bold")
    for column in ("key", "TTL s", "fields"):
        grid.add_column(column, overflow="fold")
    connection = client(settings.redis)
    for pattern in (f"inventory:realtime:{code}", f"agg:*:{code}:*"):
        for key in sorted(connection.scan_iter(pattern, count=5000))[:3]:
            held: Any = connection.hgetall(key)
            words = ", ".join(f"{k.decode()}={v.decode()}" for k, v in held.items())
            grid.add_row(key.decode(), str(connection.ttl(key)), words)
    connection.close()
    _console().print(grid)


def _console() -> Console:
    """As wide as the tables need, also where the output is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
