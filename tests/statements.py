"""Statements of tests, composed as the product composes its own: names are quoted, values are parameters or literals."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql


def composed(text: str, **parts: str | Sequence[str] | sql.Composable) -> sql.Composed:
    """The statement with its {parts}: a name (`schema.name`, too), names with commas between, or what is composed already."""
    return sql.SQL(text).format(**{key: _part(part) for key, part in parts.items()})


def _part(part: str | Sequence[str] | sql.Composable) -> sql.Composable:
    if isinstance(part, sql.Composable):
        return part
    if isinstance(part, str):
        return sql.Identifier(*part.split("."))
    return sql.SQL(", ").join(map(_part, part))
