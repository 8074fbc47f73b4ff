"""The local calendar against Python's own zoneinfo, over every change of the clocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from castro_spark.features import with_calendar
from castro_spark.features.calendar import calendar_of, instants_of

ZONES = ["America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 1, 1)).map(lambda d: d.replace(tzinfo=timezone.utc))


def expected(instant: datetime | None, zone: str) -> dict[str, object] | None:
    if instant is None:
        return None
    day = instant.astimezone(ZoneInfo(zone)).date()
    return {
        "date": day, "month": day.month, "quarter": (day.month + 2) // 3, "day_of_week": day.weekday(),
        "is_weekend": day.weekday() >= 5,
    }  # fmt: skip


@settings(deadline=None)  # the first call for a zone makes its table
@given(st.lists(st.none() | INSTANTS, max_size=50), st.sampled_from(ZONES))
def test_is_what_zoneinfo_says(instants: list[datetime | None], zone: str) -> None:
    array = pa.array(instants, pa.timestamp("us", tz="UTC"))
    assert calendar_of(array, zone).to_pylist() == [expected(i, zone) for i in instants]


@settings(deadline=None)
@given(st.lists(st.none() | st.datetimes(datetime(1900, 1, 2), datetime(2199, 1, 1)), max_size=50), st.sampled_from(ZONES))
def test_local_times_are_the_instants_of_zoneinfo(local: list[datetime | None], zone: str) -> None:
    assert instants_of(pa.array(local, pa.timestamp("us")), zone).to_pylist() == [of_local(at, zone) for at in local]


@pytest.mark.parametrize(("zone", "year"), [
    ("America/Sao_Paulo", 2018), ("Africa/Casablanca", 2024), ("Pacific/Apia", 2011), ("Australia/Lord_Howe", 2024), ("Europe/Lisbon", 2045),
])  # fmt: skip
def test_every_half_hour_of_a_year_of_changes(zone: str, year: int) -> None:
    local = [datetime(year, 1, 1) + timedelta(minutes=30 * n) for n in range(365 * 48)]
    assert instants_of(pa.array(local, pa.timestamp("us")), zone).to_pylist() == [of_local(at, zone) for at in local]


def of_local(local: datetime | None, zone: str) -> datetime | None:
    return None if local is None else local.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)


def test_every_hour_of_the_years_with_summer_time() -> None:
    begin = datetime(2016, 1, 1, tzinfo=timezone.utc)
    instants = [begin + timedelta(hours=h) for h in range(4 * 366 * 24)]
    found = calendar_of(pa.array(instants, pa.timestamp("us", tz="UTC")), ZONES[0])
    assert found.to_pylist() == [expected(i, ZONES[0]) for i in instants]
    hours = dict.fromkeys((date(2018, 11, 4), date(2018, 2, 17), date(2018, 2, 18)), 0)
    for day in found.field("date").to_pylist():
        if day in hours:
            hours[day] += 1
    assert list(hours.values()) == [23, 25, 24]


def test_the_first_and_last_years_and_summer_times_that_no_list_has() -> None:
    # Arrow's local_timestamp has no summer time from 2037 on.
    instants = [datetime(y, m, d, 23, 30, tzinfo=timezone.utc) for y in (1, 9, 11, 2038, 2500, 9999) for m, d in ((1, 9), (7, 1))]
    array = pa.array(instants, pa.timestamp("us", tz="UTC"))
    for zone in ("Europe/Lisbon", *ZONES):
        assert calendar_of(array, zone).to_pylist() == [expected(i, zone) for i in instants]
        for one in instants:  # also alone: the table of changes is made by decade
            assert calendar_of(pa.array([one], array.type), zone).to_pylist() == [expected(one, zone)]


def test_a_dataframe_whatever_its_sessions_zone(spark: SparkSession) -> None:
    instants = [datetime(2026, 2, 1, 1, 30, tzinfo=timezone.utc), None]
    frame = spark.createDataFrame(pa.table({"id": [1, 2], "timestamp": pa.array(instants, pa.timestamp("us", tz="UTC"))}))
    rows = with_calendar(frame, ZONES[0]).drop("timestamp").orderBy("id").collect()
    assert [tuple(r) for r in rows] == [(1, date(2026, 1, 31), 1, 1, 5, True), (2, None, None, None, None, None)]
