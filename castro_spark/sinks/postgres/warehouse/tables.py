"""Creates the tables that the mapping requires: targets and their staging tables. Idempotent.

Guarantee: existing columns and keys are never changed. A new column is added; a changed type or key is refused with an
error message that names the fix.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg2.extensions
from psycopg2 import sql

from castro_spark.errors import NotMigrated, TypeChanged
from castro_spark.sections.warehouse import LOADED_AT, ColumnType, TableMapping
from castro_spark.sinks.postgres.connection import Connection, names, statement

Cursor = psycopg2.extensions.cursor
_TYPES = {
    ColumnType.TEXT: "text",
    ColumnType.DECIMAL: "numeric(18,6)",
    ColumnType.TIMESTAMP: "timestamp with time zone",
    ColumnType.DATE: "date",
    ColumnType.INTEGER: "bigint",
    ColumnType.BOOLEAN: "boolean",
}
_LONGEST = 63  # characters of a name


def staging_table(target: str) -> sql.Identifier:
    """The staging table of a target."""
    return sql.Identifier("castro", _staging_name(target))


def migrate_warehouse(connection: Connection, tables: Mapping[str, TableMapping]) -> list[str]:
    """Creates what is missing, all in one transaction; returns a description of each change."""
    done: list[str] = []
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('castro_spark.migrate'))")
        for target, mapping in tables.items():
            done += _migrate(cursor, target, mapping)
    return done


def check_tables(connection: Connection, target: str, mapping: TableMapping) -> None:
    """Raises NotMigrated unless the target, its staging table and the watermark table match the mapping."""
    wanted = _wanted(mapping)
    with connection, connection.cursor() as cursor:
        existing, staged = _columns_of(cursor, regclass(target)), _columns_of(cursor, _staging_regclass(target))
        has_watermarks = bool(_columns_of(cursor, "castro.extract_watermark"))
    if not has_watermarks or any(not wanted.items() <= columns.items() for columns in (existing, staged)):
        raise NotMigrated(
            f"{target}: the database lacks the table, or columns of it, or its staging table",
            "run ./spark-submit.sh migrate with the same settings",
        )


def lacking(cursor: Cursor, target: str, mapping: TableMapping) -> list[str]:
    """What an existing database lacks of a target's table, in words; empty: nothing."""
    existing = _columns_of(cursor, regclass(target))
    if not existing:
        return [f"there is no table {target}"]
    try:
        _check_same(cursor, target, mapping, existing)
    except TypeChanged as error:
        return [error.problem]
    return [f"{target} lacks column {name}" for name in _wanted(mapping) if name not in existing]


def _migrate(cursor: Cursor, target: str, mapping: TableMapping) -> list[str]:
    wanted = _wanted(mapping)
    existing = _columns_of(cursor, regclass(target))
    done = []
    if not existing:
        cursor.execute(statement(
            "warehouse/create_target.sql", target=sql.Identifier(target), columns=_definitions(mapping, wanted),
            loaded_at=sql.Identifier(LOADED_AT), key=names(mapping.key),
            primary_key=sql.Identifier(f"{target}_pkey"),
        ))  # fmt: skip
        done.append(f"{target} created")
    else:
        _check_same(cursor, target, mapping, existing)
        for name in wanted.keys() - existing.keys():
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                    sql.Identifier(target), sql.Identifier(name), sql.SQL(wanted[name])
                )
            )
            done.append(f"{target}: column {name} added; a full refresh fills it")
    for columns in mapping.indexes:
        cursor.execute(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                sql.Identifier("_".join((target, *columns))[:_LONGEST]), sql.Identifier(target), names(columns)
            )
        )
    staged = _columns_of(cursor, _staging_regclass(target))
    if staged != {"attempt": "bigint", **wanted}:
        staging = staging_table(target)
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(staging))
        definitions = _definitions(mapping, wanted, staged=True)
        cursor.execute(statement("warehouse/create_staging.sql", staging=staging, columns=definitions))
    return done


def _check_same(cursor: Cursor, target: str, mapping: TableMapping, existing: Mapping[str, str]) -> None:
    for name, kind in _wanted(mapping).items():
        if name in existing and existing[name] != kind:
            raise TypeChanged(
                f"table {target}, column {name}: the mapping says {kind}, the table has {existing[name]}",
                "change the mapping back, or drop or convert the column yourself, then migrate and extract --mode full",
            )
    cursor.execute(statement("warehouse/key_of.sql"), {"table": regclass(target)})
    key = tuple(name for (name,) in cursor.fetchall())
    if key != mapping.key:
        raise TypeChanged(
            f"table {target}: the mapping's key is ({', '.join(mapping.key)}), the table's ({', '.join(key)})",
            "change the mapping back, or drop the table, then migrate and extract --mode full",
        )


def _wanted(mapping: TableMapping) -> dict[str, str]:
    return {name: _TYPES[column.type] for name, column in mapping.columns.items()}


def _definitions(mapping: TableMapping, wanted: Mapping[str, str], *, staged: bool = False) -> sql.Composed:
    parts = []
    for name, kind in wanted.items():
        collation = ' COLLATE "C"' if kind == "text" else ""  # codes: fast to compare, the same in every locale
        ending = "" if staged or name not in mapping.never_null else " NOT NULL"
        parts.append(sql.Identifier(name) + sql.SQL(f" {kind}{collation}{ending}"))
    return sql.SQL(",\n    ").join(parts)


def _columns_of(cursor: Cursor, table: str) -> dict[str, str]:
    cursor.execute(statement("warehouse/columns_of.sql"), {"table": table})
    return dict(cursor.fetchall())


def _staging_name(target: str) -> str:
    return f"staged_{target}"


def regclass(target: str) -> str:
    """A target's name as a quoted identifier, for regclass."""
    return '"' + target.replace('"', '""') + '"'


def _staging_regclass(target: str) -> str:
    return f"castro.{regclass(_staging_name(target))}"
