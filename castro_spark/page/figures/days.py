"""A stream's day: what came so far, and what the same weekdays had, judged as the data check `volume` judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg2 import sql

from castro_spark.page.page import Asked
from castro_spark.page.reading.database import Snapshot
from castro_spark.quality.judge.volume import Volumes, candidates, judge_volume
from castro_spark.quality.measure.events import holidays_among
from castro_spark.quality.result import Outcome
from castro_spark.sections.quality import VolumeLimits, limits_of
from castro_spark.sinks.postgres.quality_results import unusual_days
from castro_spark.streams.declaration import StreamDeclaration

_USUAL_SECONDS = 1800.0  # past days hardly change
_MORE_WEEKS = 2  # beyond those of the baseline: some are holidays


@dataclass(frozen=True)
class Sums:
    """The sums of one day."""

    events: int = 0
    volume: Decimal = Decimal(0)
    value: Decimal = Decimal(0)


@dataclass(frozen=True)
class Usual:
    """Of one day: the whole days that it is compared with, their median, and how the day was judged if it is over."""

    baseline: Mapping[date, int]
    median: float | None
    outcome: Outcome


@dataclass(frozen=True)
class Days:
    """`usual` and `usual_yesterday` are None while they are computed; of too few days they have no median."""

    today: Sums
    yesterday: Sums
    usual: Usual | None
    usual_yesterday: Usual | None
    usual_at: datetime | None


def of(asked: Asked, stream: StreamDeclaration) -> Days:
    """Today's and yesterday's sums now, and the usual ones as of a while ago."""
    today, yesterday = asked.today, asked.today - timedelta(days=1)
    sums = _sums(asked.snapshot, stream, [today, yesterday])
    limits = limits_of(asked.settings.quality.volume, stream.name)

    def compute(snapshot: Snapshot) -> tuple[Usual, Usual]:
        return _usual(snapshot, stream, today, limits), _usual(snapshot, stream, yesterday, limits)

    kept = asked.keeper.get(("usual", stream.name, today), _USUAL_SECONDS, compute)
    usual, before = kept.value if kept else (None, None)
    return Days(sums.get(today, Sums()), sums.get(yesterday, Sums()), usual, before, kept.at if kept else None)


def _sums(snapshot: Snapshot, stream: StreamDeclaration, of_days: list[date]) -> dict[date, Sums]:
    rows = snapshot.rows("page/days.sql", {"days": of_days}, daily=sql.Identifier(stream.daily_table))
    return {row["date"]: Sums(row["events"], row["volume"], row["value"]) for row in rows}


def _usual(snapshot: Snapshot, stream: StreamDeclaration, day: date, limits: VolumeLimits) -> Usual:
    weeks = min(limits.weeks + _MORE_WEEKS, limits.look_back_weeks)
    asked_of = candidates(day, limits.model_copy(update={"look_back_weeks": weeks}))
    events = {of_day: sums.events for of_day, sums in _sums(snapshot, stream, [day, *asked_of]).items()}
    first = (snapshot.row("page/first_day.sql", daily=sql.Identifier(stream.daily_table)) or {}).get("first")
    with snapshot.connection.cursor() as cursor:
        unusual = unusual_days(cursor, stream.name)
    shorter = limits.model_copy(update={"look_back_weeks": weeks})
    seen = Volumes(day, events, first, frozenset(holidays_among(asked_of, limits)), unusual)
    result = judge_volume(stream.name, seen, shorter)
    evidence: Mapping[str, Any] = result.evidence
    baseline = {date.fromisoformat(of_day): count for of_day, count in evidence["baseline"].items()}
    return Usual(baseline, evidence.get("median"), result.outcome)
