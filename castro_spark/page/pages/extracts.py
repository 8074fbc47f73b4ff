"""Extracts: how far each warehouse table is brought over, and how the job's last runs ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.routing import BaseRoute

from castro_spark.page.figures.parts import SIGNS, STATES, parts
from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.words.language import text
from castro_spark.sections.quality import limits_of
from castro_spark.streaming.stop import EXTRACT_LOOP

MODES = {"incremental": text("changed rows"), "full": text("all rows")}


@dataclass(frozen=True)
class Extracted:
    """A table of the warehouse; `watermark`: the largest last_modified read; None: it was never extracted."""

    target: str
    source: str
    watermark: datetime | None = None
    mode: str | None = None
    rows_read: int | None = None
    revision: int | None = None
    committed_at: datetime | None = None
    sign: str = "unknown"  # by the limits of the check extract_age


def _answer(asked: Asked) -> Answer:
    found = {row["target"]: row for row in asked.snapshot.rows("page/watermarks.sql")}
    tables = []
    for target, mapping in asked.settings.warehouse.mapped.items():
        row = found.get(target)
        known = {**row, "sign": _sign(asked, target, row["committed_at"])} if row else {"target": target}
        tables.append(Extracted(source=mapping.source, **known))
    order = {"bad": 0, "warning": 1, "unknown": 2, "good": 3}
    return work(
        asked, tables=sorted(tables, key=lambda table: order[table.sign]), modes=MODES, part_states=STATES,
        part_signs=SIGNS, jobs=parts(asked, EXTRACT_LOOP, limit=3) + parts(asked, "extract"),
    )  # fmt: skip


def _sign(asked: Asked, target: str, committed_at: datetime) -> str:
    limits = limits_of(asked.settings.quality.extract_age, target)
    age = (asked.now - committed_at).total_seconds()
    return "bad" if age > limits.fail_seconds else "warning" if age > limits.warn_seconds else "good"


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("extracts", "/extracts", text("Extracts"), _answer, "extracts.html"),
)
