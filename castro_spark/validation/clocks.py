"""Clocks and calendars of several machines: the same time, and the same local days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from castro_spark.errors import CastroError

# Well below what would matter: Kerberos allows 300 s, an event may be a day ahead. A greater difference means that the
# machine does not follow a time server, so that it will grow.
LIMIT_SECONDS = 30.0
# Around changes of daylight saving in Brazil (none since 2019), of each year of the history, and the present.
_YEARS = range(1990, 2040)


class ClocksDiffer(CastroError):
    """Two machines disagree about the time or the calendar."""


def judged(difference: float, exactness: float) -> str:
    """Seconds that a clock is ahead of this machine's, in words. Raises ClocksDiffer beyond the limit."""
    told = f"{difference:+.3f} s from this machine's (+-{exactness:.3f})"
    if abs(difference) - exactness > LIMIT_SECONDS:
        raise ClocksDiffer(told, "let both machines follow a time server (chrony, systemd-timesyncd)")
    return told


def instants() -> list[datetime]:
    """Noon in UTC of the 1st of each month, in order."""
    return [datetime(year, month, 1, 12, tzinfo=timezone.utc) for year in _YEARS for month in range(1, 13)]


def local_times(zone: ZoneInfo) -> list[str]:
    """The local times of `instants` by this machine's time zone data."""
    return [instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S") for instant in instants()]


def same_calendar(zone: ZoneInfo, there: Sequence[str], whose: str) -> str:
    """Raises ClocksDiffer if another machine's time zone data give other local times of `instants`."""
    wrong = [(here, other) for here, other in zip(local_times(zone), there, strict=True) if here != other]
    if wrong:
        here, other = wrong[0]
        raise ClocksDiffer(
            f"{whose} time zone data differ: {zone.key} at {other}, where Python's say {here} ({len(wrong)} of"
            f" {len(there)} months)",
            "update both (the package tzdata, Java itself): a change of daylight saving is missing in one of them",
        )
    return f"{zone.key}: the same as here from {_YEARS[0]} to {_YEARS[-1]}"
