"""Commands: what was asked of running processes, and what became of it; and the forms that ask (acting.py)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute

from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web import acting
from castro_spark.page.web.acting import work
from castro_spark.page.web.paging import before, paged
from castro_spark.page.words.language import text

_ROWS = 50


@dataclass(frozen=True)
class Command:
    """A row of castro.command; `taken_by`: the process, for people."""

    id: int
    action: str
    arguments: dict[str, Any]
    stream: str | None
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    state: str
    result: str | None
    ended_at: datetime | None
    taken_by: str | None


def _answer(asked: Asked) -> Answer:
    found = asked.snapshot.rows("page/commands.sql", {"before": before(asked), "limit": _ROWS + 1})
    rows, older = paged([Command(**row) for row in found], _ROWS, asked, lambda row: row.id)
    return work(asked, rows=rows, older=older)


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("commands", "/commands", text("Commands"), _answer, "commands.html"),
    *acting.ROUTES,
)
