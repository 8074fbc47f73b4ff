"""Migrations: the files of sql/postgres in the order of their numbers, then columns that a stream's declaration gained.

A file named NNN_stream_* is applied once per stream, any other once. Everything runs in one transaction under an
advisory lock, and applied migrations are recorded: safe to repeat and to run concurrently.

Why no migration library (alembic, yoyo): these are templates filled from each stream's declaration, which those lack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import psycopg2.errors

from castro_spark.errors import NotMigrated
from castro_spark.resources import resource
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.schema.stream_tables import Cursor, changes, migration_parts
from castro_spark.streams.declaration import StreamDeclaration

_ONCE = ""  # the "stream" of a migration that is applied once
_MIGRATE = "run ./spark-submit.sh migrate with the same settings"
_FILE = re.compile(r"[0-9]{3}_(stream_)?[a-z0-9_]+")


@cache
def migrations() -> tuple[tuple[str, bool], ...]:
    """Every migration in order: its name, and whether it is applied per stream."""
    ordered = []
    for file in sorted(f.name for f in resource("sql/postgres").iterdir() if f.name.endswith(".sql")):
        name = _FILE.fullmatch(file.removesuffix(".sql"))
        if name is None:
            raise ValueError(f"{file}: a migration's name is NNN_name.sql, or NNN_stream_name.sql for each stream")
        ordered.append((name[0], name[1] is not None))
    return tuple(ordered)


def wanted(streams: Iterable[StreamDeclaration]) -> list[tuple[str, str]]:
    """The migrations that the streams need, as (name, stream), in order."""
    streams = list(streams)
    return [(name, of) for name, each in migrations() for of in ([s.name for s in streams] if each else [_ONCE])]


def check_schema(connection: Connection) -> None:
    """Raises NotMigrated unless the schema is that of this version, but for the streams' own tables."""
    try:
        with connection.cursor() as cursor:
            lacking = _lacking(_applied(cursor), wanted([]))
    finally:
        connection.rollback()
    if lacking:
        raise NotMigrated(lacking, _MIGRATE)


def check_migrated(connection: Connection, stream: StreamDeclaration) -> None:
    """Raises NotMigrated if the stream's schema is incomplete or a newer version's, TypeChanged if a column has another
    type.
    """
    try:
        with connection.cursor() as cursor:
            problem = _lacking(_applied(cursor), wanted([stream]))
            if not problem:
                problem = "; ".join(change.lacks for change in changes(cursor, stream))
    finally:
        connection.rollback()
    if problem:
        raise NotMigrated(f"stream {stream.name}: {problem}", _MIGRATE)


def migrate(connection: Connection, streams: Iterable[StreamDeclaration]) -> list[str]:
    """Applies what is missing, all or nothing; returns a description of each change. Idempotent."""
    streams = list(streams)
    try:
        with connection, connection.cursor() as cursor:
            # Serializes concurrent migrations: the second waits here, then finds nothing to do.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('castro_spark.migrate'))")
            return _apply(cursor, streams) + [text for stream in streams for text in _add_columns(cursor, stream)]
    except psycopg2.errors.LockNotAvailable as error:
        raise NotMigrated(
            f"a table, or another migration, is in use for longer than postgres.lock_timeout_seconds: {error}".strip(),
            "nothing was changed; stop the streams or wait for the other job, then run ./spark-submit.sh migrate again",
        ) from error


def _apply(cursor: Cursor, streams: list[StreamDeclaration]) -> list[str]:
    cursor.execute("CREATE SCHEMA IF NOT EXISTS castro_migrations")
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS castro_migrations.applied (name text, stream text,"
        " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (name, stream))"
    )
    applied = _applied(cursor)
    _refuse_newer(applied)
    parts = {stream.name: migration_parts(stream) for stream in streams} | {_ONCE: {}}
    done = []
    for name, of in wanted(streams):
        if (name, of) not in applied:
            cursor.execute(statement(f"postgres/{name}.sql", **parts[of]))
            cursor.execute("INSERT INTO castro_migrations.applied (name, stream) VALUES (%s, %s)", (name, of))
            done.append(f"{name} {of}".strip())
    return done


def _add_columns(cursor: Cursor, stream: StreamDeclaration) -> list[str]:
    """Adds the columns of the declaration that the stream's tables lack."""
    pending = changes(cursor, stream)
    if pending:
        # Every commit takes this lock first, so none is in progress while its tables change.
        cursor.execute("SELECT 1 FROM castro.stream WHERE stream = %s FOR UPDATE", (stream.name,))
    for change in pending:
        cursor.execute(change.statement)
    return [change.done for change in pending]


def _lacking(applied: set[tuple[str, str]], needed: Iterable[tuple[str, str]]) -> str:
    """Which of the needed migrations are missing, in words. Raises NotMigrated if there are newer ones."""
    _refuse_newer(applied)
    missing = list(dict.fromkeys(name for name, of in needed if (name, of) not in applied))
    return f"the database lacks {', '.join(missing)}" if missing else ""


def _refuse_newer(applied: set[tuple[str, str]]) -> None:
    # A newer version may rely on what this one would leave out, and nothing would show it.
    if unknown := sorted({name for name, _ in applied} - {name for name, _ in migrations()}):
        raise NotMigrated(
            f"the database has migrations that this version does not know: {', '.join(unknown)}",
            "use the newer version that migrated it; to go back, restore the backup from before that. A database from"
            " before the first release cannot be upgraded: name a new one (for local servers: another --dir)",
        )


def _applied(cursor: Cursor) -> set[tuple[str, str]]:
    cursor.execute("SELECT to_regclass('castro_migrations.applied') IS NOT NULL")
    (exists,) = cursor.fetchone() or (False,)
    if not exists:
        return set()
    cursor.execute("SELECT name, stream FROM castro_migrations.applied")
    return set(cursor.fetchall())
