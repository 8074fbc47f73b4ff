"""Checks of the events themselves, by days: volume, null rates, duplicates, drift, references.

Events are read by days of the daily tables and a sample of their products, through the events' index: never the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import holidays
from psycopg2 import sql

from castro_spark.errors import SettingsError
from castro_spark.quality.context import Context, Snapshot, listed, tables
from castro_spark.quality.judge.drift import DayPrices, judge_drift
from castro_spark.quality.judge.nulls import Nulls, judge_nulls
from castro_spark.quality.judge.shares import DayDuplicates, References, judge_duplicates, judge_references
from castro_spark.quality.judge.volume import Volumes, candidates, judge_volume
from castro_spark.quality.result import Result
from castro_spark.sections.quality import DriftLimits, NullLimits, ShareLimits, VolumeLimits, limits_of
from castro_spark.sinks.postgres.quality_results import unusual_days
from castro_spark.streams.declaration import StreamDeclaration


def volume(context: Context, subject: str, limits: VolumeLimits) -> Result:
    """The day before the context's, which is over."""
    stream, day = context.streams[subject], context.day - timedelta(days=1)
    days = [day, *candidates(day, limits)]
    with context.snapshot() as snapshot:
        daily = sql.Identifier(stream.daily_table)
        events = dict(snapshot.rows("quality/volumes.sql", {"days": days}, daily=daily))
        snapshot.cursor.execute(sql.SQL("SELECT min(date) FROM {}").format(daily))
        (first,) = snapshot.cursor.fetchone()
        excluded = unusual_days(snapshot.cursor, subject)
    return judge_volume(subject, Volumes(day, events, first, frozenset(holidays_among(days, limits)), excluded), limits)


def check_holidays(limits: VolumeLimits) -> None:
    """Raises SettingsError if the settings name a country or subdivision whose holidays are not known."""
    known = holidays.list_supported_countries()
    for of in (limits, *(limits_of(limits, subject) for subject in limits.of)):
        country, part = of.holiday_country, of.holiday_subdivision
        if country is not None and (country not in known or (part is not None and part not in known[country])):
            raise SettingsError(
                f"quality.volume: no holidays are known of {country} {part or ''}".rstrip(),
                f"set holiday_subdivision to null or one of: {', '.join(known[country])}" if country in known
                else "set holiday_country to null, or to an ISO 3166 code such as BR",
            )  # fmt: skip


def holidays_among(days: Iterable[date], limits: VolumeLimits) -> list[date]:
    """Those of the days that are holidays, optional ones too where the country's calendar has such a category."""
    days, country = list(days), limits.holiday_country
    if country is None:
        return []
    supported = holidays.country_holidays(country, years=()).supported_categories
    known = holidays.country_holidays(
        country, subdiv=limits.holiday_subdivision, years={day.year for day in days},
        categories=[category for category in ("public", "optional") if category in supported],
    )  # fmt: skip
    return [day for day in days if day in known]


def null_rates(context: Context, subject: str, limits: NullLimits) -> Result:
    """The columns that an event may lack. Required ones are never null: parse rejects such records."""
    tested, baseline = nulls(context, context.streams[subject])
    return judge_nulls(subject, tested, baseline, limits, lambda column: limits_of(limits, f"{subject}.{column}"))


def nulls(context: Context, stream: StreamDeclaration, *, by_kind: bool = True) -> tuple[list[Nulls], list[Nulls]]:
    """The nulls of the tested days, and of the baseline's. An event's kind is the column that measures distinguish."""
    columns = [field.column for field in stream.fields]
    kind = next((m.where for m in stream.measures), None) if by_kind else None
    counts = sql.SQL(", ").join(
        sql.SQL("count(*) FILTER (WHERE e.{} IS NULL)").format(sql.Identifier(column)) for column in columns
    )
    with context.snapshot() as snapshot:
        days = _days(context, snapshot, stream)
        rows = snapshot.rows(
            "quality/nulls.sql", _sample(context, days), **_only(stream, "events", "daily"), nulls=counts,
            kind=sql.SQL("e.") + sql.Identifier(kind) if kind else sql.SQL("''"),
        )  # fmt: skip
    seen = [Nulls(day, of or "", n, dict(zip(columns, found, strict=True))) for day, of, n, *found in rows]
    return [n for n in seen if n.day in context.tested], [n for n in seen if n.day not in context.tested]


def duplicates(context: Context, subject: str, limits: ShareLimits) -> Result:
    """Events that are equal in every field but the id."""
    stream = context.streams[subject]
    with context.snapshot() as snapshot:
        days = _days(context, snapshot, stream)
        rows = snapshot.rows(
            "quality/duplicates.sql", _sample(context, days), **_only(stream, "events", "daily"),
            columns=listed(stream.columns),
        )  # fmt: skip
    seen = {day: DayDuplicates(n, repeated, examples or ()) for day, n, repeated, examples in rows}
    tested = {day: found for day, found in seen.items() if day in context.tested}
    return judge_duplicates(subject, tested, [found for day, found in seen.items() if day not in tested], limits)


def drift(context: Context, subject: str, limits: DriftLimits) -> Result:
    """Prices and quantities."""
    stream = context.streams[subject]
    with context.snapshot() as snapshot:
        days = _days(context, snapshot, stream)
        rows = snapshot.rows(
            "quality/drift.sql", {**_sample(context, days), "factor": limits.price_factor},
            **_only(stream, "events", "daily"), price=sql.Identifier(stream.price),
            last_price=sql.Identifier(stream.last_price),
        )  # fmt: skip
    seen = [
        DayPrices(day, n, priced, jumps, ratio, quantity, examples or ())
        for day, n, priced, jumps, ratio, quantity, examples in sorted(rows, key=lambda row: row[0])
    ]
    tested = [day for day in seen if day.day in context.tested]
    return judge_drift(subject, stream.price, tested, [day for day in seen if day not in tested], limits)


def references(context: Context, subject: str, limits: ShareLimits) -> Result:
    """Products of the tested days' events in the master data."""
    stream, master = context.streams[subject], context.settings.quality.master_table or ""
    with context.snapshot() as snapshot:
        if not snapshot.exists(master):
            return judge_references(subject, master, References(master_has_rows=False), limits)
        n, unknown, products, examples, filled = snapshot.row(
            "quality/references.sql", {"days": context.tested}, **_only(stream, "daily"), master=sql.Identifier(master)
        )
    return judge_references(subject, master, References(filled, n, unknown, products, examples or ()), limits)


def _days(context: Context, snapshot: Snapshot, stream: StreamDeclaration) -> list[date]:
    before = snapshot.baseline(stream, context.tested[0], context.settings.quality.baseline_days)
    return [*context.tested, *before]


def _sample(context: Context, days: list[date]) -> dict[str, Any]:
    return {"days": days, "salt": context.salt, "products": context.settings.quality.sample_products}


def _only(stream: StreamDeclaration, *names: str) -> dict[str, sql.Composable]:
    return {name: tables(stream)[name] for name in names}
