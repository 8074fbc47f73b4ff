"""Books: what became of every offset that was consumed, by commit and partition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.web.numbers import row_number
from castro_spark.page.web.paging import address
from castro_spark.page.words.language import text

_ROWS = 60
PERIODS = {300: text("last 5 minutes"), 3600: text("last hour")}
OUTCOMES = {
    "inserted": text("Inserted"), "corrected": text("Corrected"), "stale": text("Stale or twice"),
    "deleted": text("Deleted"), "quarantined": text("Quarantined"), "skipped": text("Skipped"), "gaps": text("Gaps"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """The books of one partition in one commit."""

    stream: str
    revision: int
    partition: int
    batch_id: int
    from_offset: int
    to_offset: int
    inserted: int
    corrected: int
    stale: int
    deleted: int
    quarantined: int
    skipped: int
    gaps: int
    committed_at: datetime

    @property
    def offsets(self) -> int:
        return self.to_offset - self.from_offset

    @property
    def is_balanced(self) -> bool:
        """As the table's CHECK demands."""
        return self.offsets == sum(int(getattr(self, outcome)) for outcome in OUTCOMES)


def _answer(asked: Asked) -> Answer:
    names = [stream.name for stream in asked.streams]
    stream = asked.query.get("stream", names[0] if names else "")
    if stream not in names:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no stream {stream!r}")
    start = _start(asked.query.get("before", ""))
    given = {"stream": stream, "revision": start[0], "partition": start[1], "limit": _ROWS + 1}
    found = [Entry(**row) for row in asked.snapshot.rows("page/books.sql", given)]
    rows = found[:_ROWS]
    last = rows[-1] if len(found) > _ROWS else None
    return work(
        asked, stream=stream, rows=rows, outcomes=OUTCOMES, periods=PERIODS,
        sums={seconds: _sums(asked, stream, seconds) for seconds in PERIODS},
        older=address(asked, before=f"{last.revision}.{last.partition}") if last else None,
        days=asked.settings.streaming.books_retention_days,
        address=lambda **changes: address(asked, before=None, **changes),
    )  # fmt: skip


def _sums(asked: Asked, stream: str, seconds: int) -> dict[str, Any]:
    return asked.snapshot.row("page/books_sums.sql", {"stream": stream, "seconds": seconds}) or {}


def _start(parameter: str) -> tuple[int | None, int | None]:
    """The revision and the partition before which the list begins."""
    revision, _, partition = parameter.partition(".")
    start = row_number(revision), row_number(partition)
    return start if None not in start else (None, None)


ROUTES: tuple[Page | Data | BaseRoute, ...] = (Page("books", "/books", text("Books"), _answer, "books.html"),)
