"""A projector's queries and updates in PostgreSQL: committed revision, changed products, requests, its own status."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import psycopg2
from psycopg2 import sql
from psycopg2.extras import execute_values

from castro_spark.projection.rows import Key
from castro_spark.sinks.postgres.connection import Connection, statement

WHO = f"{socket.gethostname()} pid {os.getpid()}"


@dataclass(frozen=True)
class Look:
    """A stream's committed state, and the projector's further work: rebuilds and requests."""

    epoch: int
    revision: int
    notes_pruned_to: int  # notes of emptied days and months exist only for later revisions
    rebuilds_requested: int
    rebuilds_done: int
    has_requests: bool
    projector_alive: bool  # in any process

    @property
    def at(self) -> tuple[int, int]:
        return self.epoch, self.revision


def look(connection: Connection, stream: str, takeover_seconds: float) -> Look | None:
    """The stream's state; None if it was never started, or has no row in castro.projection yet."""
    with connection.cursor() as cursor:
        cursor.execute(statement("projection/look.sql"), {"stream": stream, "takeover": takeover_seconds})
        row = cursor.fetchone()
    return Look(*row) if row else None


def introduce(connection: Connection, stream: str) -> None:
    """Creates the stream's row in castro.projection, if the stream was ever started; idempotent."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.projection (stream) SELECT stream FROM castro.stream WHERE stream = %s"
            " ON CONFLICT DO NOTHING",
            (stream,),
        )


@contextmanager
def snapshot(connection: Connection, stream: str) -> Iterator[tuple[int, int]]:
    """A read-only transaction with one snapshot. Yields the snapshot's epoch and revision."""
    with connection, connection.cursor() as cursor:
        cursor.execute(  # one round trip: each adds to the publication delay
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
            " SELECT epoch, revision FROM castro.stream WHERE stream = %s",
            (stream,),
        )
        yield cursor.fetchone() or (0, 0)


def touched_since(connection: Connection, stream: str, since: int, most: int) -> list[str] | None:
    """The products that commits after revision `since` touched; None if there are more than `most`."""
    with connection.cursor() as cursor:
        known = {"stream": stream, "since": since, "most": most + 1}
        cursor.execute(statement("projection/touched_since.sql"), known)
        products = [code for (code,) in cursor.fetchall()]
    return products if len(products) <= most else None


def touched_after(connection: Connection, stream: str, since: int, after: str, most: int) -> list[str]:
    """At most `most` of these products, ordered by code, with codes greater than `after`."""
    with connection.cursor() as cursor:
        known = {"stream": stream, "since": since, "after": after, "most": most}
        cursor.execute(statement("projection/touched_after.sql"), known)
        return [code for (code,) in cursor.fetchall()]


def requests(connection: Connection, stream: str, most: int) -> dict[int, Key]:
    """The oldest `most` requests, by id."""
    with connection.cursor() as cursor:
        cursor.execute(statement("projection/requests.sql"), {"stream": stream, "most": most})
        return {number: Key(*key) for number, *key in cursor.fetchall()}


def request(connection: Connection, stream: str, keys: Sequence[Key]) -> None:
    """Requests the stream's projector to rewrite these keys; within the caller's transaction."""
    with connection.cursor() as cursor:
        rows: list[tuple[str, str, str, date | None]] = [(stream, k.kind, k.product_code, k.first_day) for k in keys]
        execute_values(
            cursor, "INSERT INTO castro.projection_request (stream, kind, product_code, first_day) VALUES %s", rows
        )


def end_requests(connection: Connection, numbers: Sequence[int]) -> None:
    """Deletes completed requests."""
    with connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM castro.projection_request WHERE id = ANY(%s)", (list(numbers),))


def request_rebuild(connection: Connection, stream: str) -> int:
    """Requests the stream's projector to rewrite all keys; returns the request's number."""
    introduce(connection, stream)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.projection SET rebuilds_requested = rebuilds_requested + 1 WHERE stream = %s"
            " RETURNING rebuilds_requested",
            (stream,),
        )
        (number,) = cursor.fetchone() or (0,)
        return int(number)


def note_rebuild(connection: Connection, stream: str, number: int, keys: int) -> None:
    """Records that the rebuilds requested up to `number` are done."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.projection SET rebuilds_done = greatest(rebuilds_done, %s), rebuilt_keys = %s"
            " WHERE stream = %s",
            (number, keys, stream),
        )


def rebuilt(connection: Connection, stream: str) -> tuple[int, int]:
    """The number of the last completed rebuild, and the number of keys that it wrote."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT rebuilds_done, rebuilt_keys FROM castro.projection WHERE stream = %s", (stream,))
        return cursor.fetchone() or (0, 0)


def note_alive(connection: Connection, stream: str, revision: int | None) -> None:
    """The projector's heartbeat: it is alive, and `revision` is the stream's revision in Redis."""
    _note(connection, "projection/note_alive.sql", {"stream": stream, "projector": WHO, "revision": revision})


def note_failing(connection: Connection, stream: str, error: str) -> None:
    """The heartbeat of a projector that cannot publish, with the error."""
    _note(connection, "projection/note_failing.sql", {"stream": stream, "projector": WHO, "error": error})


def database_timeline(connection: Connection) -> str:
    """Identifies this database and its WAL timeline: a point-in-time restore or a failover starts a new one.

    System identifier, timeline and database oid; "" if the server does not provide them.
    """
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT system_identifier::text || '.' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '.' ||"
                " (SELECT oid FROM pg_database WHERE datname = current_database())::text FROM pg_control_system()"
            )
            (timeline,) = cursor.fetchone() or ("",)
            return str(timeline)
    except (psycopg2.ProgrammingError, psycopg2.NotSupportedError, psycopg2.errors.ObjectNotInPrerequisiteState):
        return ""


def _note(connection: Connection, path: str, known: dict[str, object]) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL synchronous_commit = off"))
        cursor.execute(statement(path), known)
