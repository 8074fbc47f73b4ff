"""docs/glossary.md: what each number of a product means, in the page's languages."""

from __future__ import annotations

from castro_spark.page.product.glossary import DAYS, entries
from tools.docs import markdown

_INTRODUCTION = """\
What each number of a product means. The page shows these words beside the numbers, in the reader's language; they come
from castro_spark/page/product/glossary.yaml. [features.md](features.md) has the formulas."""


def page() -> str:
    """The page."""
    rows = []
    for column, entry in entries().items():
        words = [f"**{entry[code]['name']}**: {entry[code]['meaning']}" for code in ("en", "pt")]
        rows.append([text.replace(DAYS, "n") for text in (column, *words)])
    return markdown.page("Glossary", _INTRODUCTION, markdown.table(["column", "English", "português"], rows))
