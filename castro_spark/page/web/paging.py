"""Older rows of a list by the last one's key (a keyset): as fast on the hundredth page as on the first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from castro_spark.page.page import Asked
from castro_spark.page.web.numbers import row_number

Row = TypeVar("Row")
_PASSING = ("request", "refused")  # parameters about the last form


def before(asked: Asked, name: str = "before") -> int | None:
    """The number before which the list begins; None: at its newest row."""
    return row_number(asked.query.get(name, ""))


def before_moment(asked: Asked) -> datetime | None:
    """The moment before which the list begins; None: at its newest row."""
    try:
        moment = datetime.fromisoformat(asked.query.get("before", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def paged(
    rows: Sequence[Row], most: int, asked: Asked, key: Callable[[Row], object], name: str = "before"
) -> tuple[Sequence[Row], str | None]:
    """The first `most` rows, and the address of the older ones; None if there are none. Ask for one row more."""
    if len(rows) <= most:
        return rows, None
    return rows[:most], address(asked, **{name: key(rows[most - 1])})


def address(asked: Asked, **changes: object) -> str:
    """This page with other parameters; None removes one."""
    kept = {name: value for name, value in asked.query.items() if name not in _PASSING}
    given = {name: str(value) for name, value in {**kept, **changes}.items() if value is not None}
    return asked.request.url.path + (f"?{urlencode(given)}" if given else "")
