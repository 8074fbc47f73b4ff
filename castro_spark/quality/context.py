"""What every check may use: settings, streams, the judged day, and read-only snapshots of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sources.kafka.ends import Topics
from castro_spark.streams.declaration import StreamDeclaration


@dataclass(frozen=True)
class Context:
    """`streams` are as configured. `day` is the judged local day, usually today: it is not over, the one before is."""

    settings: Settings
    connection: Connection
    topics: Topics
    streams: Mapping[str, StreamDeclaration]
    day: date

    @property
    def salt(self) -> int:
        """Chooses the sample: another one each day, the same for every day that is compared."""
        return self.day.toordinal()

    @property
    def tested(self) -> list[date]:
        """The days that are judged by their events: the day itself, as far as it is, and the one before."""
        return [self.day - timedelta(days=1), self.day]

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A read-only transaction with one snapshot, whose statements end after quality.statement_timeout_seconds."""
        self.connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with self.connection, self.connection.cursor() as cursor:
            milliseconds = round(self.settings.quality.statement_timeout_seconds * 1000)
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", (str(milliseconds),))
            yield Snapshot(cursor)


@dataclass(frozen=True)
class Snapshot:
    """Statements of sql/quality in one transaction."""

    cursor: Any

    def rows(self, path: str, parameters: Mapping[str, object], **parts: sql.Composable) -> list[tuple[Any, ...]]:
        """The rows of the statement in sql/`path`."""
        self.cursor.execute(statement(path, **parts), parameters)
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found

    def row(self, path: str, parameters: Mapping[str, object], **parts: sql.Composable) -> tuple[Any, ...]:
        """The only row of a statement that has one."""
        (found,) = self.rows(path, parameters, **parts)
        return found

    def exists(self, table: str) -> bool:
        """Whether a table is there."""
        self.cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (sql.Identifier(table).as_string(self.cursor),))
        (there,) = self.cursor.fetchone()
        return bool(there)

    def baseline(self, stream: StreamDeclaration, before: date, most: int) -> list[date]:
        """The newest days with events before a day."""
        parameters = {"before": before, "most": most}
        daily = sql.Identifier(stream.daily_table)
        return [day for (day,) in self.rows("quality/recent_days.sql", parameters, daily=daily)]


def tables(stream: StreamDeclaration) -> dict[str, sql.Composable]:
    """The stream's tables, as parts of a statement."""
    return {
        "events": sql.Identifier(stream.events_table),
        "daily": sql.Identifier(stream.daily_table),
        "monthly": sql.Identifier(stream.monthly_table),
    }


def listed(columns: Sequence[str]) -> sql.Composed:
    """Columns of a statement, comma-separated."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))
