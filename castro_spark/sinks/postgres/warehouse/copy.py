"""The replacement of a table, with its columns, indexes, owner, privileges and options: created, finished, swapped in.

Executors load it under a name of its own (loading), where nobody reads it; checked and indexed it is the new table;
the swap gives it the target's name.

Objects that depend on the table by OID (views, foreign keys, ...) would not follow; such a table is refused before
anything is read.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def loading_name(target: str) -> str:
    """The new table's name while executors load it."""
    return f"{target}__loading"


def create_loading(connection: Connection, target: str, optional: Sequence[str]) -> None:
    """Creates an empty table with the columns and options of `target`, without indexes, for executors to load.

    Its columns `optional` may be null until `finish_new` has checked them. Replaces what a run left behind that was
    killed.
    """
    loading = sql.Identifier(loading_name(target))
    with connection, connection.cursor() as cursor:
        _drop_loading(cursor, target)
        _create_like(cursor, target, loading)
        for column in optional:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL").format(loading, sql.Identifier(column))
            )
        # Without a key, and in a publication of all tables, rows could not be deleted otherwise.
        cursor.execute(sql.SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(loading))


def drop_loading(connection: Connection, target: str) -> None:
    """Drops what a full refresh has loaded; a no-op if there is nothing."""
    with connection, connection.cursor() as cursor:
        _drop_loading(cursor, target)


def keep_loaded(cursor: Cursor, target: str) -> None:
    """Makes the loaded table the new one. A task that still wants to load it finds it no more."""
    _drop_new(cursor, target)
    cursor.execute(
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(
            sql.Identifier(loading_name(target)), sql.Identifier(new_name(target))
        )
    )


def create_new(cursor: Cursor, target: str) -> None:
    """Creates an empty new table beside the loaded one."""
    _drop_new(cursor, target)
    _create_like(cursor, target, sql.Identifier(new_name(target)))


def finish_new(cursor: Cursor, target: str, required: Sequence[str]) -> None:
    """Gives the new table the owner, privileges and comment of `target`, and its `required` columns NOT NULL."""
    new, table = sql.Identifier(new_name(target)), {"table": regclass(target)}
    constraints = (sql.SQL("ALTER COLUMN {} SET NOT NULL").format(sql.Identifier(column)) for column in required)
    cursor.execute(
        sql.SQL("ALTER TABLE {} REPLICA IDENTITY DEFAULT, {}").format(new, sql.SQL(", ").join(constraints))
    )
    cursor.execute(statement("warehouse/not_null_of.sql"), {"table": regclass(new_name(target))})
    for (name,) in cursor.fetchall():  # PostgreSQL 18 names them, after the table's name of that moment
        cursor.execute(
            sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}").format(
                new, sql.Identifier(name), sql.Identifier(name.replace(new_name(target), target, 1))
            )
        )
    cursor.execute(statement("warehouse/rights_of.sql"), table)
    for privilege, role, grantable in cursor.fetchall():
        grantee = sql.Identifier(role) if role else sql.SQL("PUBLIC")
        ending = sql.SQL(" WITH GRANT OPTION" if grantable else "")
        cursor.execute(sql.SQL("GRANT {} ON {} TO {}{}").format(sql.SQL(privilege), new, grantee, ending))
    _, comment, owner, owned = _options_of(cursor, target)
    if not owned:  # a group role owns it: any of its members must be able to replace the table again
        cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(new, sql.Identifier(owner)))
    if comment:
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(new, sql.Literal(comment)))


def _create_like(cursor: Cursor, target: str, table: sql.Identifier) -> None:
    cursor.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)").format(table, sql.Identifier(target))
    )
    options, *_ = _options_of(cursor, target)
    for name, _, value in (option.partition("=") for option in options or ()):
        cursor.execute(sql.SQL("ALTER TABLE {} SET ({} = {})").format(table, sql.Identifier(name), sql.Literal(value)))


def _options_of(cursor: Cursor, target: str) -> tuple[list[str] | None, str | None, str, bool]:
    cursor.execute(statement("warehouse/options_of.sql"), {"table": regclass(target)})
    return cursor.fetchone() or (None, None, "", True)


def _drop_loading(cursor: Cursor, target: str) -> None:
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(loading_name(target))))


def _drop_new(cursor: Cursor, target: str) -> None:
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(new_name(target))))


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
