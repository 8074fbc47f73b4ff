"""At a glance: is anything wrong, are the numbers fresh, how does today compare."""

from __future__ import annotations

from starlette.routing import BaseRoute

from castro_spark.page.language import text
from castro_spark.page.page import OVERVIEW, Answer, Asked, Data, Page


def _answer(asked: Asked) -> Answer:
    return {"seen": asked.snapshot.rows("page/streams_seen.sql")}


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("glance", "/", text("At a glance"), _answer, "glance.html", group=OVERVIEW),
)
