"""When hashes end: fixed moments of the local calendar, also over its clock changes."""

from __future__ import annotations

from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from castro_spark.projection.entries import Expiry
from castro_spark.projection.rows import Horizon
from castro_spark.sections.servers import TtlSettings

ZONE = ZoneInfo("America/Sao_Paulo")
EXPIRY = Expiry(TtlSettings(realtime_seconds=3600, daily_days=7, monthly_days=365, product_360_hours=48), ZONE)


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        (date(2026, 11, 25), utc(2026, 12, 3, 3)),
        (date(2018, 10, 26), utc(2018, 11, 3, 3)),  # before the clock change of 4 November
        (date(2018, 10, 27), utc(2018, 11, 4, 3)),  # midnight of the 4th does not exist: it ends with the change
        (date(2018, 10, 28), utc(2018, 11, 5, 2)),
        (date(2018, 2, 9), utc(2018, 2, 17, 2)),
        (date(2018, 2, 10), utc(2018, 2, 18, 3)),  # the 17th had 25 hours
        (date(2024, 2, 29), utc(2024, 3, 8, 3)),
    ],
)
def test_a_day_ends_seven_local_days_after_it_is_over(day: date, ends: int) -> None:
    assert EXPIRY.of_day(day) == ends


@pytest.mark.parametrize(
    ("month", "ends"),
    [
        (date(2026, 11, 1), utc(2027, 12, 1, 3)),
        (date(2023, 12, 1), utc(2024, 12, 31, 3)),  # 365 days over a leap year's
        (date(2024, 2, 1), utc(2025, 3, 1, 3)),
        (date(2017, 10, 1), utc(2018, 11, 1, 3)),
    ],
)
def test_a_month_ends_365_days_after_it_is_over(month: date, ends: int) -> None:
    assert EXPIRY.of_month(month) == ends


def test_a_newest_event_ends_an_hour_after_its_row_was_written() -> None:
    assert EXPIRY.of_newest(datetime(2026, 1, 1, 12, 0, 0, 999_999, timezone.utc)) == utc(2026, 1, 1, 13)


@pytest.mark.parametrize("today", [date(2026, 11, 25), date(2024, 12, 31), date(2024, 12, 30), date(2018, 11, 4), date(2025, 3, 1)])
def test_the_horizon_is_where_ends_are_still_to_come(today: date) -> None:
    horizon = Horizon.of(today, 7, 365)
    midnight = datetime(today.year, today.month, today.day, tzinfo=ZONE).timestamp()
    assert EXPIRY.of_day(horizon.day) > midnight >= EXPIRY.of_day(date.fromordinal(horizon.day.toordinal() - 1))
    before = date.fromordinal(horizon.month.toordinal() - 1).replace(day=1)
    assert EXPIRY.of_month(horizon.month) > midnight >= EXPIRY.of_month(before)
