"""Loads the statements in sql/ and fills in their {names}. See sql/README.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from psycopg2 import sql

from castro_spark.resources import resource


class _Statement(sql.Composed):
    """Its text is made once: every session has the same encoding and the same rules of quoting (session/checks.py)."""

    _as_text: str | None = None

    def as_string(self, context: Any) -> str:
        if self._as_text is None:
            self._as_text = super().as_string(context)
        return self._as_text


def statement(path: str, **parts: sql.Composable) -> sql.Composed:
    """The statement in sql/`path`, its {names} replaced by identifiers and fragments."""
    return _Statement(_text(path).format(**parts).seq) if parts else _whole(path)


@cache  # commits and refreshes use some statements each time
def _whole(path: str) -> sql.Composed:
    return _Statement(_text(path).format().seq)


@cache
def _text(path: str) -> sql.SQL:
    return sql.SQL(resource(f"sql/{path}").read_text(encoding="utf-8"))


def names(columns: tuple[str, ...], form: Callable[[str], sql.Composable] = sql.Identifier) -> sql.Composed:
    """Columns as a comma-separated list, each in `form`."""
    return sql.SQL(", ").join(form(c) for c in columns)
