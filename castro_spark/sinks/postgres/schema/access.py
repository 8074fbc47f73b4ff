"""Asks PostgreSQL what the role may do, and inserts a row into each table that the jobs write; all is rolled back.

Guarantee: nothing stays, whether it is repeated or interrupted. Streams may run meanwhile: the rows' keys are new, and
no lock is taken that a commit waits for.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from uuid import uuid4

import psycopg2
from psycopg2 import sql

from castro_spark.errors import SinkError
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.streams.declaration import StreamDeclaration

OLDEST = 140_000  # server_version_num
_CLOCK_SAMPLES = 3
_INTEGRITY = "23"  # SQLSTATE class: a constraint refused the made-up row, so the right to insert it is held
_VALUES: dict[str, object] = {
    "bool": False, "int2": -1, "int4": -1, "int8": -1, "float8": 0.0, "numeric": 0, "bytea": b"", "json": "{}",
    "jsonb": "{}", "date": date(1990, 1, 1), "timestamptz": datetime(1990, 1, 1, tzinfo=timezone.utc),
    "interval": timedelta(0), "_text": [], "_int4": [], "_int8": [],
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """Version and connections, as the server reports them."""

    version: int
    version_text: str
    connections: int
    connections_allowed: int


@dataclass(frozen=True)
class Role:
    """What the session's role may do beside reading and writing tables."""

    name: str
    temporary: bool
    schemas: bool
    tables: bool
    castro_usable: bool


@dataclass(frozen=True)
class Table:
    """A table of the jobs, and the rights to it that the role lacks."""

    schema: str
    name: str
    lacking: tuple[str, ...]
    owned: bool

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"


def server(connection: Connection) -> Server:
    """Raises SinkError if the server is older than OLDEST."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("validate/server.sql"))
        found = Server(*(cursor.fetchone() or ()))
    if found.version < OLDEST:
        raise SinkError(
            f"PostgreSQL {found.version_text} is older than {OLDEST // 10_000}", "upgrade it, or name another server"
        )
    return found


def role(connection: Connection, schema: str) -> Role:
    """The role of the session; `schema` is that of the ml_ tables."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("validate/role.sql"), {"schema": schema})
        return Role(*(cursor.fetchone() or ()))


def tables(connection: Connection, schema: str, ml_tables: Sequence[str]) -> list[Table]:
    """The existing tables of the schema castro, and those of `ml_tables` in `schema`."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("validate/tables.sql"), {"schema": schema, "names": list(ml_tables)})
        return [Table(of, name, tuple(lacking), owned) for of, name, lacking, owned in cursor.fetchall()]


def stream_tables(stream: StreamDeclaration) -> tuple[str, ...]:
    """The stream's tables for consumers."""
    return stream.events_table, stream.daily_table, stream.monthly_table


def insert_into_each(connection: Connection, checked: Iterable[Table]) -> dict[str, str]:
    """Inserts a made-up row into each table, and rolls back. Returns the errors by table."""
    errors: dict[str, str] = {}
    try:
        with connection.cursor() as cursor:
            for table in checked:
                cursor.execute("SAVEPOINT castro_validate")
                try:
                    _insert(cursor, table)
                except psycopg2.Error as error:
                    if connection.closed:
                        raise
                    if not (error.pgcode or "").startswith(_INTEGRITY):
                        errors[table.title] = str(error).strip().partition("\n")[0]
                cursor.execute("ROLLBACK TO SAVEPOINT castro_validate")
    finally:
        if not connection.closed:
            connection.rollback()
    return errors


def _insert(cursor: psycopg2.extensions.cursor, table: Table) -> None:
    cursor.execute(statement("validate/must_be_given.sql"), {"table": table.identifier.as_string(cursor)})
    given = {name: -1 if identity else _value(kind) for name, kind, identity in cursor.fetchall()}
    if given:
        into = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})")
        values = sql.SQL(", ").join(sql.Placeholder() * len(given))
        cursor.execute(into.format(table.identifier, names(tuple(given)), values), list(given.values()))
    else:
        cursor.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table.identifier))


def _value(kind: str) -> object:
    """A value of a type; where it may be a key, a new one."""
    if kind == "uuid":
        return str(uuid4())
    return _VALUES.get(kind, f"castro-validate-{secrets.token_hex(8)}")


def clock_difference(connection: Connection) -> tuple[float, float]:
    """Seconds by which the server's clock is ahead of this machine's, and how exactly that is known (+-)."""
    samples = []
    with connection, connection.cursor() as cursor:
        for _ in range(_CLOCK_SAMPLES):
            before = time.time()
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            (there,) = cursor.fetchone() or (0.0,)
            after = time.time()
            samples.append(((after - before) / 2, float(there) - (before + after) / 2))
    exactness, difference = min(samples)
    return difference, exactness


def local_times(connection: Connection, zone: str, instants: Sequence[datetime]) -> list[str]:
    """The instants' local times (ISO-8601, without offset) by the server's own time zone data."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(t AT TIME ZONE %(zone)s, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
            " FROM unnest(%(instants)s) AS t ORDER BY t",
            {"zone": zone, "instants": list(instants)},
        )
        return [text for (text,) in cursor.fetchall()]
