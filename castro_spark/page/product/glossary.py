"""What each number of a product means, in the page's languages. The words are in glossary.yaml, and nowhere else.

docs/glossary.md is `python -m castro_spark.page.product.glossary`; a test holds that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from castro_spark.product_columns import WINDOWS
from castro_spark.resources import resource

_DAYS = "{days}"
_HEAD = """\
# Glossary

What each number of a product means. The page shows these words beside the numbers, in the reader's language; they come
from castro_spark/page/product/glossary.yaml. [features.md](features.md) has the formulas.

| column | English | português |
|---|---|---|
"""


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


def as_markdown() -> str:
    """The glossary as a page of the documentation."""
    rows = []
    for column, entry in _entries().items():
        words = [f"**{entry[code]['name']}**: {entry[code]['meaning']}" for code in ("en", "pt")]
        rows.append(f"| {' | '.join([column, *words])} |".replace(_DAYS, "n"))
    return _HEAD + "\n".join(rows) + "\n"


def _terms(language: str) -> Iterator[tuple[str, Term]]:
    code = language.partition("_")[0]
    for column, entry in _entries().items():
        name, meaning = entry[code]["name"], entry[code]["meaning"]
        if _DAYS not in column:
            yield column, Term(entry["kind"], name, meaning)
            continue
        for days in WINDOWS:
            yield column.replace(_DAYS, str(days)), Term(entry["kind"], name, meaning.replace(_DAYS, str(days)))


@cache
def _entries() -> dict[str, Any]:
    text = resource("page/product/glossary.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


if __name__ == "__main__":
    print(as_markdown(), end="")
