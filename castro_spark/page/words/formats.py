"""Numbers, days, times and ages as a language writes them. Times are shown in the jobs' time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
from babel.units import format_unit

from castro_spark.page.words.language import Language, text

Number = int | float | Decimal
_JUST_NOW_SECONDS = 2
_TENTHS_SECONDS = 9.95
NONE = "–"


def filters(language: Language, zone: ZoneInfo, currency: str | None) -> dict[str, Callable[..., str]]:
    """The filters of the templates, by name. Each writes NONE for None."""
    given: dict[str, Callable[..., str]] = {
        "number": number, "compact": compact, "percent": percent, "money": partial(money, currency), "bytes": size,
        "duration": duration, "day": day, "day_month": day_month, "weekday": weekday, "month": month, "moment": moment,
        "when": when, "clock": clock, "hour": hour,
    }  # fmt: skip
    return {name: _or_none(partial(function, language, zone)) for name, function in given.items()}


def number(language: Language, _: ZoneInfo, value: Number, decimals: int | None = None) -> str:
    """With the language's separators; `decimals`: so many, else up to three as they are."""
    pattern = "#,##0.###" if decimals is None else "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=language.locale)


def compact(language: Language, _: ZoneInfo, value: Number) -> str:
    """A large number in short: 1.2 mi, 1.2M."""
    return format_compact_decimal(value, locale=language.locale, fraction_digits=1)


def money(currency: str | None, language: Language, zone: ZoneInfo, value: Number) -> str:
    """A value in the settings' currency, to the cent; without one a number."""
    if currency is None:
        return number(language, zone, value, 2)
    return format_currency(value, currency, locale=language.locale)


def percent(language: Language, _: ZoneInfo, share: Number, decimals: int = 0) -> str:
    """A share of 1 as a percentage."""
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "") + "%"
    return format_percent(share, format=pattern, locale=language.locale)


def day(language: Language, zone: ZoneInfo, value: date | datetime) -> str:
    """A day, short: 29 de nov. de 2026, Nov 29, 2026."""
    return format_date(_local(value, zone) if isinstance(value, datetime) else value, "medium", locale=language.locale)


def weekday(language: Language, zone: ZoneInfo, value: date | datetime) -> str:
    """The day's name: domingo, Sunday."""
    return format_date(_local(value, zone) if isinstance(value, datetime) else value, "EEEE", locale=language.locale)


def day_month(language: Language, _: ZoneInfo, value: date) -> str:
    """A day without its year: 4 de out., Oct 4."""
    return format_skeleton("MMMd", value, locale=language.locale)


def month(language: Language, _: ZoneInfo, value: date) -> str:
    """A month and its year: nov. de 2026, Nov 2026."""
    return format_skeleton("yMMM", value, locale=language.locale)


def moment(language: Language, zone: ZoneInfo, value: datetime) -> str:
    """A day and a time, to the second, in the jobs' zone."""
    return f"{day(language, zone, value)} {clock(language, zone, value)}"


def when(language: Language, zone: ZoneInfo, value: datetime, now: datetime) -> str:
    """A time to the minute, with its day unless that is today's."""
    local = _local(value, zone)
    if local.date() == _local(now, zone).date():
        return format_time(local, "HH:mm", locale=language.locale)
    return f"{day_month(language, zone, local)} {format_time(local, 'HH:mm', locale=language.locale)}"


def clock(language: Language, zone: ZoneInfo, value: datetime) -> str:
    """A time of the day, to the second, in the jobs' zone."""
    return format_time(_local(value, zone), "HH:mm:ss", locale=language.locale)


def hour(language: Language, zone: ZoneInfo, value: datetime) -> str:
    """A time of the day, to the minute, in the jobs' zone."""
    return format_time(_local(value, zone), "HH:mm", locale=language.locale)


def duration(language: Language, _: ZoneInfo, value: float | timedelta) -> str:
    """A length of time in its largest fitting unit: 3 min, 2 h, 4 days; below ten seconds to a tenth, below one in
    milliseconds."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if 0 < abs(seconds) < 1:
        return format_unit(round(seconds * 1000), "millisecond", length="short", locale=language.locale)
    if abs(seconds) < _TENTHS_SECONDS:
        return format_unit(round(seconds, 1), "second", length="short", locale=language.locale)
    return format_timedelta(timedelta(seconds=round(seconds)), threshold=2, format="short", locale=language.locale)


def size(language: Language, _: ZoneInfo, value: int) -> str:
    """An amount of bytes: 12 kB, 3.4 MB."""
    amount, units = float(value), ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
    step = 0
    while amount >= 1000 and step < len(units) - 1:  # noqa: PLR2004 - decimal units
        amount, step = amount / 1000, step + 1
    return format_unit(round(amount, 1 if step else 0), units[step], length="short", locale=language.locale)


def age(language: Language, at: datetime, now: datetime) -> str:
    """How long ago, or in how long: há 5 min, 5 min ago. The browser's script (page.js) goes on counting."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < _JUST_NOW_SECONDS:
        return str(language.words.gettext(text("now")))
    return format_timedelta(
        timedelta(seconds=-seconds), threshold=2, add_direction=True, format="short", locale=language.locale
    )


def _local(value: datetime, zone: ZoneInfo) -> datetime:
    return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).astimezone(zone)


def _or_none(function: Callable[..., str]) -> Callable[..., str]:
    def written(value: Any, *arguments: Any, **named: Any) -> str:
        return NONE if value is None else function(value, *arguments, **named)

    return written
