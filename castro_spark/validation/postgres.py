"""PostgreSQL: a login, its version, the migrations, and the right to write each table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

from psycopg2.errors import InsufficientPrivilege

from castro_spark.counted import counted
from castro_spark.errors import NotMigrated, SinkError
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.schema import access
from castro_spark.sinks.postgres.schema.migrate import check_migrated
from castro_spark.streams.declaration import StreamDeclaration
from castro_spark.validation import clocks
from castro_spark.validation.check import Check

_APPLICATION = "castro_spark validate"
_REMEDY = "check postgres.dsn, CASTRO_POSTGRES_PASSWORD (or ..._FILE), pg_hba.conf, and that the server runs"
_CONNECTIONS_A_STREAM = 6  # commit, projection, a share of the application's own, and executors that copy
_SHOWN = 5
_VIEW = "ml_product_360"


def checks(settings: Settings, streams: Sequence[StreamDeclaration], place: str) -> Iterator[Check]:
    """Those that need a login; each has a connection of its own."""
    seconds = settings.postgres.connect_timeout_seconds * 2.0 + 30

    def check(name: str, run: partial[str]) -> Check:
        return Check(name, place, run, seconds, _REMEDY)

    yield check("postgres login", partial(_login, settings, len(streams)))
    for stream in streams:
        yield check(f"postgres {stream.name} migrated", partial(_migrated, settings, stream))
    yield check("postgres castro's tables", partial(_writable, settings, ()))
    for stream in streams:
        yield check(f"postgres {stream.name}'s tables", partial(_writable, settings, access.stream_tables(stream)))
    yield check("postgres ml_product_360", partial(_writable, settings, (_VIEW,)))
    warehouse = tuple(settings.warehouse.mapped)
    yield check("postgres warehouse's tables", partial(_writable, settings, warehouse))
    yield check("postgres other rights", partial(_other_rights, settings, warehouse))
    yield check("clock of postgres", partial(_clock, settings))
    yield check("time zone in postgres", partial(_time_zone, settings))


def _connected(settings: Settings) -> closing[Connection]:
    return closing(connect(settings.postgres, _APPLICATION))


def _login(settings: Settings, streams: int) -> str:
    with _connected(settings) as connection:
        server = access.server(connection)
        user, database = connection.info.user, connection.info.dbname
        encrypted = "TLS" if connection.info.ssl_in_use else "no TLS"
    free = server.connections_allowed - server.connections
    if free < _CONNECTIONS_A_STREAM * streams:
        raise SinkError(
            f"{server.connections} of {server.connections_allowed} connections are in use; {streams} streams need some"
            f" {_CONNECTIONS_A_STREAM * streams}",
            "raise max_connections, or end sessions that nobody needs (pg_stat_activity)",
        )
    return f"PostgreSQL {server.version_text}, {user} in {database}, {encrypted}, {counted(free, 'connection')} free"


def _migrated(settings: Settings, stream: StreamDeclaration) -> str:
    with _connected(settings) as connection:
        try:
            check_migrated(connection, stream)
        except InsufficientPrivilege as error:
            role = access.role(connection, settings.postgres.schema_name).name
            raise SinkError(
                f"the role {role} may not see what was migrated: {str(error).strip()}",
                f'GRANT USAGE ON SCHEMA castro_migrations TO "{role}";'
                f' GRANT SELECT ON castro_migrations.applied TO "{role}"',
            ) from None
    return ""


def _writable(settings: Settings, ml_tables: Sequence[str]) -> str:
    """Of the schema castro if no tables are named. Those that `migrate` has not created are left out."""
    schema = settings.postgres.schema_name
    with _connected(settings) as connection:
        role = access.role(connection, schema)
        if not role.castro_usable:
            raise SinkError("the role may not use the schema castro", f'GRANT USAGE ON SCHEMA castro TO "{role.name}"')
        there = access.tables(connection, schema, ml_tables)
        wanted = [t for t in there if (t.schema == schema if ml_tables else t.schema == "castro")]
        if not wanted:
            missing = ", ".join(ml_tables) or "its tables"
            raise NotMigrated(f"there is none of {missing}", "run ./spark-submit.sh migrate")
        if lacking := [table for table in wanted if table.lacking]:
            told = "; ".join(f"{t.title} ({', '.join(t.lacking)})" for t in lacking[:_SHOWN])
            rights = ", ".join(dict.fromkeys(right for t in lacking for right in t.lacking))
            raise SinkError(
                f"the role {role.name} lacks rights to {len(lacking)} of {len(wanted)} tables: {told}",
                f"as the owner: GRANT {rights} ON {', '.join(t.title for t in lacking)} TO \"{role.name}\"",
            )
        if errors := access.insert_into_each(connection, wanted):
            raise SinkError("; ".join(f"{title}: {error}" for title, error in list(errors.items())[:_SHOWN]), "")
    absent = [name for name in ml_tables if name not in {table.name for table in wanted}]
    left_out = f"; not there: {', '.join(absent)} (migrate)" if absent else ""
    return f"inserted into {counted(len(wanted), 'table')}, rolled back{left_out}"


def _other_rights(settings: Settings, warehouse: Sequence[str]) -> str:
    schema = settings.postgres.schema_name
    with _connected(settings) as connection:
        role = access.role(connection, schema)
        there = [t for t in access.tables(connection, schema, warehouse) if t.schema == schema]
        database = connection.info.dbname
    if not role.temporary:
        raise SinkError(
            f"the role {role.name} may not create temporary tables, which each commit uses",
            f'GRANT TEMPORARY ON DATABASE "{database}" TO "{role.name}"',
        )
    owned = sum(table.owned for table in there)
    refresh = "yes" if role.tables and owned == len(there) else (
        f"no (create in schema {schema}: {_yes(role.tables)}, owns {owned} of {len(there)} warehouse tables)"
    )  # fmt: skip
    # Streams run without these; who runs `migrate` and `extract --mode full` needs them.
    return f"temporary tables: yes; extract --mode full: {refresh}; migrate: {_yes(role.schemas and role.tables)}"


def _yes(held: bool) -> str:
    return "yes" if held else "no"


def _clock(settings: Settings) -> str:
    with _connected(settings) as connection:
        return clocks.judged(*access.clock_difference(connection))


def _time_zone(settings: Settings) -> str:
    with _connected(settings) as connection:
        there = access.local_times(connection, settings.timezone, clocks.instants())
    return clocks.same_calendar(settings.zone, there, "PostgreSQL's")
