"""Critical products in PostgreSQL: what to evaluate, the measured products, and their episodes.

Nothing here commits; every function runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from castro_spark.critical.decision import Episode
from castro_spark.critical.rules import Measured, Movement, Rule, least_times
from castro_spark.sections.critical import CriticalSettings
from castro_spark.sections.warehouse import LOADED_AT, TableMapping
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.product_360.master_data import MasterTables

STREAM = "inventory"  # the stream that moves stock


@dataclass(frozen=True)
class Mark:
    """A commit of a source: of the stream, or of a table's extract."""

    revision: int
    committed_at: datetime | None = None


@dataclass(frozen=True)
class Candidate:
    """A product to evaluate. `fresh`: an episode of it may start."""

    product_code: str
    fresh: bool


def followed(connection: Connection, within: timedelta, *, lock: bool = False) -> dict[str, Mark]:
    """Up to where each source was evaluated, for the sources that were followed `within` that time.

    `lock`: until the transaction ends nobody else evaluates.
    """
    with connection.cursor() as cursor:
        if lock:
            cursor.execute("SELECT FROM castro.critical_followed ORDER BY source FOR UPDATE")
        query = "SELECT source, revision, committed_at FROM castro.critical_followed WHERE followed_at > now() - %s"
        cursor.execute(query, (within,))
        return {source: Mark(revision, at) for source, revision, at in cursor.fetchall()}


def follow(connection: Connection, marks: dict[str, Mark]) -> None:
    """Records that the sources are evaluated up to these commits."""
    rows = [(source, mark.revision, mark.committed_at) for source, mark in sorted(marks.items())]
    with connection.cursor() as cursor:
        execute_values(
            cursor,
            "INSERT INTO castro.critical_followed (source, revision, committed_at) VALUES %s ON CONFLICT (source)"
            " DO UPDATE SET revision = EXCLUDED.revision, committed_at = EXCLUDED.committed_at, followed_at = now()",
            rows,
        )


def committed(connection: Connection, tables: Sequence[str]) -> dict[str, Mark]:
    """The last commit of the stream, and of each table's extract."""
    with connection.cursor() as cursor:
        cursor.execute(statement("critical/committed.sql"), {"stream": STREAM, "tables": list(tables)})
        return {source: Mark(revision, at) for source, revision, at in cursor.fetchall()}


def touched(connection: Connection, since: int) -> list[Candidate]:
    """The products that commits after `since` touched: with a fresh event, or with an episode that may have ended."""
    with connection.cursor() as cursor:
        cursor.execute(statement("critical/touched.sql"), {"stream": STREAM, "since": since})
        return [Candidate(code, fresh) for code, fresh in cursor.fetchall()]


def lasting(connection: Connection) -> list[Candidate]:
    """The products with an episode that lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT product_code FROM castro.critical WHERE ended_at IS NULL")
        return [Candidate(code, fresh=False) for (code,) in cursor.fetchall()]


def extracted(
    connection: Connection, table: str, mapping: TableMapping, product_code: str, since: datetime, days: int
) -> list[Candidate]:
    """The products of which an extract after `since` brought a row of the last `days` days."""
    query = statement(
        "critical/extracted.sql",
        table=sql.Identifier(table),
        product_code=sql.Identifier(product_code),
        loaded_at=sql.Identifier(LOADED_AT),
        changed_at=sql.Identifier(mapping.watermark),
    )
    with connection.cursor() as cursor:
        cursor.execute(query, {"since": since, "days": days})
        return [Candidate(code, fresh=True) for (code,) in cursor.fetchall()]


def measure(
    connection: Connection, products: Sequence[str], tables: MasterTables, settings: CriticalSettings, today: date
) -> list[Measured]:
    """The products as they are committed now."""
    tested_from = today - timedelta(days=settings.event_days)
    unusual = settings.rules.unusual_movement
    parameters = {
        "products": list(products), "as_of": today, "tested_from": tested_from,
        # Rule off: no day is read.
        "history_from": tested_from - timedelta(days=unusual.history_days) if unusual else today + timedelta(days=1),
        "least_days": unusual.least_days if unusual else 1,
        "least_times": least_times(unusual) if unusual else 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            statement("critical/measure.sql", master=tables.master, levels=tables.levels), parameters
        )
        return [_measured(row) for row in cursor.fetchall()]


def _measured(row: tuple[Any, ...]) -> Measured:
    code, flag, product_class, minimum, stock, issued, flows, dates, quantities, medians, spreads, days = row
    movements = zip(flows or (), dates or (), quantities or (), days or (), medians or (), spreads or (), strict=True)
    return Measured(
        code, flag, product_class, minimum, stock, issued, tuple(Movement(*movement) for movement in movements)
    )


def episodes(connection: Connection, products: Sequence[str]) -> dict[tuple[str, Rule], Episode]:
    """The last episode of each product and rule; rules that this version does not know are left out."""
    known = {rule.value for rule in Rule}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_code, rule, episode, ended_at IS NULL FROM castro.critical WHERE product_code = ANY(%s)",
            (list(products),),
        )
        return {
            (code, Rule(rule)): Episode(number, lasts)
            for code, rule, number, lasts in cursor.fetchall()
            if rule in known
        }


def start(connection: Connection, started: Iterable[dict[str, Any]]) -> None:
    """Writes episodes that start: product_code, rule, episode, reason, value, started_by."""
    columns = ("product_code", "rule", "episode", "reason", "value", "started_by")
    rows = [tuple(row[c] for c in columns) for row in started]
    with connection.cursor() as cursor:
        execute_values(
            cursor,
            statement("critical/start.sql"),
            sorted(rows, key=lambda row: row[:2]),
            template="(%s, %s, %s, now(), %s, %s, %s, now())",
            page_size=500,
        )


def note(connection: Connection, values: Iterable[tuple[str, str, Any, str | None]]) -> None:
    """Writes the last value of episodes (product_code, rule, value, ended_because); ends those that have a reason."""
    with connection.cursor() as cursor:
        execute_values(
            cursor, statement("critical/note.sql"), sorted(values, key=lambda v: v[:2]),
            template="(%s::text, %s::text, %s::numeric, %s::text)", page_size=500,
        )  # fmt: skip


def end_of_rules_off(connection: Connection, rules: Sequence[Rule]) -> int:
    """Ends the episodes of rules that are off; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(statement("critical/end_of_rules_off.sql"), {"on": [rule.value for rule in rules]})
        return cursor.rowcount
