"""Products: found by code or description; and one product, with everything that PostgreSQL and Redis hold of it.

A product's code is a parameter after the question mark, not a part of the path: a code may be `..` or have a slash.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import redis
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from castro_spark.page.page import PRODUCTS, Answer, Asked, Data, Page
from castro_spark.page.product.cached import Part, cached
from castro_spark.page.product.events import newest_events
from castro_spark.page.product.glossary import terms
from castro_spark.page.product.plot import CHARTS, plot
from castro_spark.page.product.search import search
from castro_spark.page.product.series import Point, Span, series
from castro_spark.page.product.view import Product, product
from castro_spark.page.words.language import text
from castro_spark.sinks.postgres.product_360.state import NAME as VIEW
from castro_spark.sinks.redis.trouble import in_words

_EVENTS, _SIMILAR = 25, 5
_SPANS = {
    Span.QUARTER: text("90 days"),
    Span.YEAR: text("1 year"),
    Span.FIVE_YEARS: text("5 years"),
    Span.MONTHS: text("Months"),
}
_FIRST_PAGE = (-1, "")


def _found(asked: Asked) -> Answer:
    question, after = asked.query.get("q", ""), _position(asked.query.get("after", ""))
    return {"question": question, "answer": search(asked.snapshot, question, after), "is_first": after == _FIRST_PAGE}


def _product(asked: Asked) -> Answer | Response:
    code = _code(asked)
    known = product(asked.snapshot, code)
    if known is None:
        return _unknown(asked, code)
    parts, redis_trouble = _cached(asked, code)
    return {
        "known": known, "columns": known.columns, "terms": terms(asked.language.code), "span": _span(asked),
        "spans": _SPANS, "has_series": bool(_points(asked, known, Span.MONTHS)), "charts": [name for name, _ in CHARTS],
        "events": newest_events(asked.snapshot, asked.streams, code, _EVENTS), "most_events": _EVENTS,
        "parts": parts, "redis_trouble": redis_trouble,
    }  # fmt: skip


def _unknown(asked: Asked, code: str) -> Response:
    values = {"page": None, "code": code, "similar": search(asked.snapshot, code, most=_SIMILAR).products}
    response: Response = asked.request.app.state.renderer.page(
        asked.request, "product_unknown.html", values, now=asked.now, status=HTTPStatus.NOT_FOUND
    )
    return response


def _cached(asked: Asked, code: str) -> tuple[list[Part], str | None]:
    """What Redis has of the product, and why that is not known: an error in words, or None."""
    if error := asked.redis.published([VIEW]).error:
        return [], error
    try:
        parts = cached(asked.snapshot, asked.settings, asked.redis.settings, asked.streams, code, asked.today)
    except redis.RedisError as refused:
        return [], in_words(refused, asked.redis.settings)
    return parts, None


def _table(asked: Asked) -> Answer:
    known, span = _known(asked), _span(asked)
    return {"known": known, "terms": terms(asked.language.code), "span": span, "spans": _SPANS,
            "points": _points(asked, known, span)[::-1]}  # fmt: skip


def _plot(asked: Asked) -> dict[str, Any]:
    known, span = _known(asked), _span(asked)
    return plot(_points(asked, known, span), span, asked.language)


def _points(asked: Asked, known: Product, span: Span) -> list[Point]:
    return series(asked.snapshot, known, span, asked.today)


def _known(asked: Asked) -> Product:
    code = _code(asked)
    known = product(asked.snapshot, code)
    if known is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no product {code!r}")
    return known


def _code(asked: Asked) -> str:
    return asked.query.get("code", "")


def _span(asked: Asked) -> Span:
    asked_for = asked.query.get("span", "")
    return Span(asked_for) if asked_for in {span.value for span in Span} else Span.QUARTER


def _position(after: str) -> tuple[int, str]:
    rank, _, code = after.partition(".")
    return (int(rank), code) if rank in {"0", "1", "2"} else _FIRST_PAGE


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("products", "/products", text("Products"), _found, "products.html", group=PRODUCTS, live=False),
    Page("product", "/product", text("Product"), _product, "product.html", group=None, within="products"),
    Page(
        "product_table", "/product/table", text("Product"), _table, "product_table.html", group=None, within="products",
        live=False,
    ),
    Data("product_plot", "/product/plot", _plot),
)  # fmt: skip
