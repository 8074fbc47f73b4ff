"""Quality: the last result of each check, failures first; and the history of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from starlette.routing import BaseRoute

from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.web.paging import before, paged
from castro_spark.page.words.language import text

_STRIP = 30  # results of a check's history in the list
_LONG_STRIP = 200
_DAYS = 30  # a check that was not run for so long is no longer listed
_ROWS = 50
OUTCOMES = {
    "pass": text("passes"), "warn": text("near its limit"), "fail": text("fails"), "error": text("could not run"),
    "no_data": text("no data"),
}  # fmt: skip
# What each check compares, for people (quality/checks.py).
CHECKS = {
    "freshness": text("The oldest uncommitted record against the clock"),
    "record_counts": text("Topic, ledger, books and tables against each other"),
    "schema": text("Declarations against tables and records"),
    "null_rates": text("Each column's empty values against the days before"),
    "duplicates": text("Events that differ by their id only"),
    "volume": text("Yesterday's events against the same weekdays before"),
    "drift": text("Prices against each product's, quantities against recent days"),
    "references": text("Products of events against the master data"),
    "quarantine_share": text("Rejected records against those read"),
    "redis_sample": text("Hashes in Redis against rows"),
    "projection_lag": text("Redis against the commits"),
    "archive_lag": text("The archive against the topic"),
    "extract_age": text("The last extract of each table"),
    "reconcile_age": text("The last reconciliation of each stream"),
    "product_360_lag": text("The 360° view against the commits"),
}


@dataclass(frozen=True)
class Checked:
    """The last result of a check of a subject; `outcomes`: the last ones, the newest first."""

    check_name: str
    subject: str
    severity: str
    outcome: str
    failed: bool
    words: str
    observed: str | None
    limit: str | None
    day: date
    judged_at: datetime
    outcomes: list[str]


@dataclass(frozen=True)
class Judged:
    """One result."""

    id: int
    severity: str
    outcome: str
    failed: bool
    words: str
    observed: str | None
    limit: str | None
    evidence: Mapping[str, Any]
    day: date
    judged_at: datetime


def _list(asked: Asked) -> Answer:
    found = asked.snapshot.rows("page/quality_last.sql", {"history": _STRIP, "days": _DAYS})
    rows = [Checked(**row) for row in found]
    return work(
        asked, rows=rows, failing=[r for r in rows if r.failed or r.outcome == "warn"], outcomes=OUTCOMES,
        checks=CHECKS, newest=max((row.judged_at for row in rows), default=None),
    )  # fmt: skip


def _one(asked: Asked) -> Answer:
    check, subject = asked.path["check"], asked.path["subject"]
    given = {"check": check, "subject": subject}
    found = asked.snapshot.rows("page/quality_history.sql", {**given, "before": before(asked), "limit": _ROWS + 1})
    rows, older = paged([Judged(**row) for row in found], _ROWS, asked, lambda row: row.id)
    strip = asked.snapshot.rows("page/quality_strip.sql", {**given, "limit": _LONG_STRIP})
    return work(
        asked, check=check, subject=subject, rows=rows, older=older, outcomes=OUTCOMES, checks=CHECKS,
        strip=[(row["outcome"], row["judged_at"]) for row in strip],
        passed=sum(row["outcome"] == "pass" for row in strip),
    )  # fmt: skip


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("quality", "/quality", text("Quality"), _list, "quality.html"),
    Page(
        "check", "/quality/{check}/{subject}", text("A check's history"), _one, "check.html", group=None,
        within="quality",
    ),
)  # fmt: skip
