"""A table like another one: its columns, indexes, rights, options and comment, to take its place.

What hangs on a table by other means cannot come along, and is refused before anything is read.
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
    """An index of the new table: the name it has until the swap, and the one it has then."""

    temporary: str
    name: str


def check_replaceable(connection: Connection, target: str) -> None:
    """Raises ChecksFailed where views, foreign keys or the like hang on the table."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("warehouse/hangs_on.sql"), {"table": regclass(target)})
        hanging = sorted(what for (what,) in cursor.fetchall())
    if hanging:
        raise ChecksFailed(
            f"{target} cannot be replaced: {', '.join(hanging)} would stay with the old table",
            "take that away (a view may read another view, or the table by a function), or use --mode incremental",
        )


def new_name(target: str) -> str:
    """What the new table is called until it takes the place of the old one."""
    return f"{target}__new"


def create_like(cursor: Cursor, target: str) -> sql.Identifier:
    """An empty table with the columns, rights, options and comment of `target`; no indexes yet."""
    new, table = sql.Identifier(new_name(target)), {"table": regclass(target)}
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(new))
    cursor.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)").format(new, sql.Identifier(target))
    )
    cursor.execute(statement("warehouse/rights_of.sql"), table)
    for right, role, may_pass_on in cursor.fetchall():
        to = sql.Identifier(role) if role else sql.SQL("PUBLIC")
        ending = sql.SQL(" WITH GRANT OPTION" if may_pass_on else "")
        cursor.execute(sql.SQL("GRANT {} ON {} TO {}{}").format(sql.SQL(right), new, to, ending))
    cursor.execute(statement("warehouse/options_of.sql"), table)
    options, comment = cursor.fetchone() or (None, None)
    for name, _, value in (option.partition("=") for option in options or ()):
        cursor.execute(sql.SQL("ALTER TABLE {} SET ({} = {})").format(new, sql.Identifier(name), sql.Literal(value)))
    if comment:
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(new, sql.Literal(comment)))
    return new


def create_indexes(cursor: Cursor, target: str) -> list[Index]:
    """The indexes and keys of `target`, on the new table; quicker than keeping them while it was filled."""
    cursor.execute(statement("warehouse/indexes_of.sql"), {"table": regclass(target)})
    made = []
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
        made.append(index)
    return made


def take_place(cursor: Cursor, target: str, indexes: list[Index]) -> None:
    """The new table and its indexes get the names of the old, which is dropped. The caller's transaction decides."""
    cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(target)))
    cursor.execute(
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(new_name(target)), sql.Identifier(target))
    )
    for index in indexes:
        cursor.execute(
            sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(index.temporary), sql.Identifier(index.name))
        )
