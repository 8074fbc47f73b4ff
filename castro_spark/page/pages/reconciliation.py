"""Reconciliation: what each run planned and repaired, by day; one run with its differences and repairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from castro_spark.page.figures.parts import SIGNS, STATES, parts
from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.web.paging import address, before, before_moment, paged
from castro_spark.page.words.language import text

_ROWS = 30
_REPAIRS = 50
KINDS = {
    "event": text("Events"), "daily": text("Daily rows"), "monthly": text("Monthly rows"),
    "redis": text("Keys of Redis"),
}  # fmt: skip
CLASSES = {
    "missing": text("missing"), "extra": text("extra"), "different": text("different"), "stale": text("stale"),
}  # fmt: skip


@dataclass(frozen=True)
class Reconciled:
    """The result of a run for one stream; `result` as reconcile/report.py has it."""

    run: str
    stream: str
    day: date
    applied: bool
    problem: str | None
    result: Mapping[str, Any]
    ended_at: datetime

    @property
    def differences(self) -> int:
        """All that differs, of every kind."""
        counted = (self.result.get(kind, {}) for kind in ("events", "daily", "monthly"))
        return sum(sum(counts.values()) for counts in counted) + int(self.result.get("stale_keys", 0))

    @property
    def repaired(self) -> int:
        return sum(self.result.get("repaired", {}).values())

    @property
    def left(self) -> int:
        """Differences that stay."""
        return max(self.differences - self.repaired - int(self.result.get("overtaken", 0)), 0)

    @property
    def verdict(self) -> str:
        """failed, equal, repaired, left (differences stay) or planned (they were to stay)."""
        if self.problem:
            return "failed"
        if not self.differences:
            return "equal"
        return "planned" if not self.applied else "left" if self.left else "repaired"


@dataclass(frozen=True)
class Repair:
    """A row before and after; None: there was none, or it was removed."""

    id: int
    kind: str
    class_: str
    key: str
    product_code: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    repaired_at: datetime

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """What differs: column, before, after."""
        was, now = self.before or {}, self.after or {}
        return [(n, was.get(n), now.get(n)) for n in {**was, **now} if was.get(n) != now.get(n)]


VERDICTS = {
    "failed": ("bad", text("not done")), "equal": ("good", text("equal")), "repaired": ("good", text("repaired")),
    "left": ("warning", text("repaired in part")), "planned": ("warning", text("planned only")),
}  # fmt: skip


def _list(asked: Asked) -> Answer:
    stream = asked.query.get("stream")
    found = asked.snapshot.rows(
        "page/reconciliations.sql", {"stream": stream, "before": before_moment(asked), "limit": _ROWS + 1}
    )
    rows, older = paged([Reconciled(**row) for row in found], _ROWS, asked, lambda row: row.ended_at.isoformat())
    return work(
        asked, rows=rows, older=older, stream=stream, verdicts=VERDICTS, jobs=parts(asked, "reconcile", limit=5),
        part_states=STATES, part_signs=SIGNS, address=lambda **changes: address(asked, before=None, **changes),
    )  # fmt: skip


def _one(asked: Asked) -> Answer:
    given = {"run": asked.path["run"], "stream": asked.path["stream"]}
    row = asked.snapshot.row("page/reconciliation.sql", given)
    if row is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such reconciliation, or it is no longer kept")
    after = before(asked, "after")
    found = asked.snapshot.rows("page/repairs.sql", {**given, "after": after, "limit": _REPAIRS + 1})
    repairs, further = paged([_repair(r) for r in found], _REPAIRS, asked, lambda repair: repair.id, "after")
    return work(
        asked, one=Reconciled(**row), repairs=repairs, further=further, verdicts=VERDICTS, kinds=KINDS, classes=CLASSES
    )


def _repair(row: dict[str, Any]) -> Repair:
    return Repair(**{("class_" if name == "class" else name): value for name, value in row.items()})


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("reconciliations", "/reconciliation", text("Reconciliation"), _list, "reconciliations.html"),
    Page(
        "reconciliation", "/reconciliation/{run}/{stream}", text("A reconciliation"), _one, "reconciliation.html",
        group=None,
        within="reconciliations",
    ),
)  # fmt: skip
