"""What each number of a product means, in the page's languages. The words are in glossary.yaml, and nowhere else.

docs/glossary.md is written from them (tools/docs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from castro_spark.product_columns import WINDOWS
from castro_spark.resources import resource

DAYS = "{days}"


@dataclass(frozen=True)
class Term:
    """A number's name and meaning in one language, and what kind of number it is."""

    kind: str  # quantity, money, price, share, days, number, text, flag, day or moment
    name: str
    meaning: str


@cache
def terms(language: str) -> Mapping[str, Term]:
    """Every term by its column (`series.`, `event.`: of a plot or an event), in the language `en` or `pt_BR`."""
    return dict(_terms(language))


def _terms(language: str) -> Iterator[tuple[str, Term]]:
    code = language.partition("_")[0]
    for column, entry in entries().items():
        name, meaning = entry[code]["name"], entry[code]["meaning"]
        if DAYS not in column:
            yield column, Term(entry["kind"], name, meaning)
            continue
        for days in WINDOWS:
            yield column.replace(DAYS, str(days)), Term(entry["kind"], name, meaning.replace(DAYS, str(days)))


@cache
def entries() -> dict[str, Any]:
    """The file, as it is: a column's name may have {days} in it."""
    text = resource("page/product/glossary.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))

