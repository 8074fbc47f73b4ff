"""Finds products by code or description, whatever the accents and the case, a page at a time."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from castro_spark.page.reading.database import Snapshot

PAGE = 50  # products
_MOST_CHARACTERS, _MOST_WORDS = 200, 10  # of a question
_MARKS = re.compile("[\u0300-\u036f]")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # as lower() does in PostgreSQL's collation "C"
_BEFORE_ALL = (-1, "")


@dataclass(frozen=True)
class Found:
    """A product of the answer. Without `as_of` the 360° view does not have it yet, and its figures are None."""

    product_code: str
    description: str | None
    active: bool | None
    stock: Decimal | None
    minimum_stock: Decimal | None
    below_minimum: bool | None
    days_of_cover: Decimal | None
    last_sale_at: datetime | None
    as_of: date | None


@dataclass(frozen=True)
class Answer:
    """One page of the products found: `found` in all; `following` is where the next page begins, None on the last."""

    products: list[Found]
    found: int
    following: tuple[int, str] | None


def search(snapshot: Snapshot, question: str, after: tuple[int, str] = _BEFORE_ALL, most: int = PAGE) -> Answer:
    """At most `most` products that have every word of the question in their code or description.

    First the code that equals it, then codes that begin with it, then the others, each by code; all for no question.
    `after`: the previous page's `following`. A product that comes or goes meanwhile moves no other across pages.
    """
    asked = folded(question[:_MOST_CHARACTERS]).strip()
    rank, code = after
    parameters = {
        "question": asked, "patterns": [f"%{_literal(word)}%" for word in asked.split()[:_MOST_WORDS]],
        "rank": rank, "after": code, "most": most + 1,
    }  # fmt: skip
    rows = snapshot.rows("page/products_found.sql", parameters)
    shown = [_found(row) for row in rows[:most]]
    if not rows:
        return Answer([], 0, None)
    last = rows[len(shown) - 1]
    return Answer(shown, rows[0]["found"], (last["rank"], last["product_code"]) if len(rows) > most else None)


def folded(text: str) -> str:
    """Without accents and in lower case, as products_found.sql folds codes and descriptions."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_LOWER)


def _literal(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


def _found(row: Mapping[str, object]) -> Found:
    return Found(**{name: row[name] for name in Found.__dataclass_fields__})  # type: ignore[arg-type]
