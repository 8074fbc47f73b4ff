"""Builds the replacement of a table, with its columns, indexes, owner, privileges and options, and swaps it in.

Objects that depend on the table by OID (views, foreign keys, ...) would not follow; such a table is refused before
anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql

from castro_spark.errors import ChecksFailed
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.warehouse.tables import Cursor, regclass

_CONSTRAINTS = {"p": "PRIMARY KEY", "u": "UNIQUE"}


@dataclass(frozen=True)
class Index:
    """An index of the new table: its name until the swap, and its final name."""

    temporary: str
    name: str


def check_replaceable(connection: Connection, target: str) -> None:
    """Raises ChecksFailed if views, foreign keys or the like depend on the table."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("warehouse/dependents_of.sql"), {"table": regclass(target)})
        dependents = sorted(what for (what,) in cursor.fetchall())
    if dependents:
        raise ChecksFailed(
            f"{target} cannot be replaced: {', '.join(dependents)} would stay with the old table",
            "remove them (a view may read another view, or the table through a function), or use --mode incremental",
        )


def new_name(target: str) -> str:
    """The new table's name until the swap."""
    return f"{target}__new"


def create_like(cursor: Cursor, target: str) -> sql.Identifier:
    """Creates an empty table with the columns, owner, privileges, options and comment of `target`, without indexes."""
    new, table = sql.Identifier(new_name(target)), {"table": regclass(target)}
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(new))
    cursor.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)").format(new, sql.Identifier(target))
    )
    cursor.execute(statement("warehouse/rights_of.sql"), table)
    for privilege, role, grantable in cursor.fetchall():
        grantee = sql.Identifier(role) if role else sql.SQL("PUBLIC")
        ending = sql.SQL(" WITH GRANT OPTION" if grantable else "")
        cursor.execute(sql.SQL("GRANT {} ON {} TO {}{}").format(sql.SQL(privilege), new, grantee, ending))
    cursor.execute(statement("warehouse/options_of.sql"), table)
    options, comment, owner, owned = cursor.fetchone() or (None, None, None, True)
    for name, _, value in (option.partition("=") for option in options or ()):
        cursor.execute(sql.SQL("ALTER TABLE {} SET ({} = {})").format(new, sql.Identifier(name), sql.Literal(value)))
    if not owned:  # a group role owns it: any of its members must be able to replace the table again
        cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(new, sql.Identifier(owner)))
    if comment:
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(new, sql.Literal(comment)))
    return new


def create_indexes(cursor: Cursor, target: str) -> list[Index]:
    """Creates the indexes and keys of `target` on the filled new table; faster than during the load."""
    cursor.execute(statement("warehouse/indexes_of.sql"), {"table": regclass(target)})
    indexes = []
    for number, (name, definition, unique, constraint) in enumerate(cursor.fetchall()):
        index = Index(f"{new_name(target)}_{number}", name)
        cursor.execute(
            sql.SQL("CREATE {} {} ON {} {}").format(
                sql.SQL("UNIQUE INDEX" if unique else "INDEX"), sql.Identifier(index.temporary),
                sql.Identifier(new_name(target)), sql.SQL(definition),
            )
        )  # fmt: skip
        if constraint:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}").format(
                    sql.Identifier(new_name(target)), sql.Identifier(index.temporary),
                    sql.SQL(_CONSTRAINTS[constraint]), sql.Identifier(index.temporary),
                )
            )  # fmt: skip
        indexes.append(index)
    return indexes


def take_place(cursor: Cursor, target: str, indexes: list[Index]) -> None:
    """Drops the old table and renames the new one and its indexes, within the caller's transaction."""
    cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(target)))
    cursor.execute(
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(new_name(target)), sql.Identifier(target))
    )
    for index in indexes:
        cursor.execute(
            sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(index.temporary), sql.Identifier(index.name))
        )
