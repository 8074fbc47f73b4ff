"""Loads the statements in sql/ and fills in their {names}. See sql/README.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from psycopg2 import sql

from castro_spark.resources import resource


def statement(path: str, **parts: sql.Composable) -> sql.Composed:
    """The statement in sql/`path`, its {names} replaced by identifiers and fragments."""
    return sql.SQL(_text(path)).format(**parts)


@cache  # commits and refreshes compose some statements each time
def _text(path: str) -> str:
    return resource(f"sql/{path}").read_text(encoding="utf-8")


def names(columns: tuple[str, ...], form: Callable[[str], sql.Composable] = sql.Identifier) -> sql.Composed:
    """Columns as a comma-separated list, each in `form`."""
    return sql.SQL(", ").join(form(c) for c in columns)
