"""The judgements of the quality checks, on literal evidence."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.errors import SettingsError
from castro_spark.quality.checks import CHECKS
from castro_spark.quality.judge.counts import Committed, Counted, Partition, judge_counts
from castro_spark.quality.judge.drift import DayPrices, judge_drift
from castro_spark.quality.judge.freshness import Freshness, Rung, ages, judge_freshness
from castro_spark.quality.judge.grades import centre_and_spread, grade, worst
from castro_spark.quality.judge.lags import Lag, judge_lag
from castro_spark.quality.judge.nulls import Nulls, judge_nulls
from castro_spark.quality.judge.schema import Schema, judge_schema
from castro_spark.quality.judge.shares import (
    DayDuplicates,
    Quarantine,
    RedisSample,
    References,
    judge_duplicates,
    judge_quarantine,
    judge_redis,
    judge_references,
)
from castro_spark.quality.judge.volume import Volumes, judge_volume
from castro_spark.quality.measure.events import check_holidays, holidays_among
from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.quality.run import check_subjects, failed
from castro_spark.quality.text import lines
from castro_spark.sections.quality import QualitySettings, limits_of
from castro_spark.settings import Settings, load_settings
from castro_spark.streams import stream

PASS, WARN, FAIL, ERROR, NO_DATA = (Outcome(o) for o in ("pass", "warn", "fail", "error", "no_data"))
BASE: Settings = load_settings(environ={})
QUALITY: QualitySettings = BASE.quality
NOW = datetime(2026, 3, 12, 12, tzinfo=timezone.utc)
DAY = date(2026, 3, 12)  # a Thursday
WEEK = timedelta(weeks=1)


def settings(tmp_path: Any, text: str) -> Settings:
    (tmp_path / "own.yaml").write_text(text)
    return load_settings(conf_file=tmp_path / "own.yaml", environ={})


@pytest.mark.parametrize(("value", "outcome"), [(0, PASS), (1, PASS), (1.1, WARN), (2, WARN), (2.1, FAIL)])
def test_a_limit_itself_is_within_the_limit(value: float, outcome: Outcome) -> None:
    assert grade(value, 1, 2) is outcome


def test_the_worst_outcome_counts_and_what_is_not_judged_hides_nothing() -> None:
    assert worst([]) is NO_DATA
    assert worst([NO_DATA, PASS]) is PASS
    assert worst([WARN, NO_DATA, FAIL, PASS]) is FAIL
    assert worst([FAIL, ERROR]) is ERROR


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=15), st.floats(1e7, 1e9))
def test_one_outlier_moves_centre_and_spread_no_further_than_their_neighbours(values: list[float], outlier: float) -> None:
    centre, spread = centre_and_spread([*values, outlier])
    assert min(values) <= centre <= max(values)
    assert 0 <= spread <= 1.4826 * (max(values) - min(values)) + 1e-6


# Freshness


def fresh(position: int, end: int, rungs: dict[float, int | None], newest: tuple[int, datetime] | None = None) -> Result:
    seen = Freshness(
        True, NOW, {0: position}, {0: end},
        [Rung(seconds, {} if offset is None else {0: offset}) for seconds, offset in sorted(rungs.items())],
        {0: newest or (end - 1, NOW)}, {0: 7200.0},
    )  # fmt: skip
    return judge_freshness("s", seen, QUALITY.freshness)


def test_a_topic_is_stale_by_the_oldest_record_that_waits() -> None:
    assert fresh(10, 10, {}).outcome is PASS
    assert fresh(5, 10, {300: 5, 600: 3}).outcome is PASS  # the record at 5 is younger than 300 s
    assert fresh(5, 10, {300: 6, 600: 5}).outcome is WARN
    assert fresh(5, 10, {300: 9, 600: 6, 1200: 5}).observed == "10 min"
    assert fresh(5, 10, {300: None, 600: None}).outcome is FAIL  # no record is that young: all wait for longer
    assert fresh(10, 10, {300: None, 600: None}).outcome is PASS


def test_records_without_usable_times_are_judged_by_the_age_of_the_position() -> None:
    future, passed_by = (9, NOW + timedelta(days=9)), (2, NOW)
    assert fresh(5, 10, {300: 5}, future).observed == "120 min"
    assert fresh(5, 10, {300: 5}, passed_by).outcome is FAIL
    assert fresh(10, 10, {}, future).outcome is PASS


def test_records_of_an_open_transaction_wait_too() -> None:
    seen = Freshness(True, NOW, {0: 5}, {0: 9}, [Rung(300, {}), Rung(600, {})], {0: (8, NOW)}, held_back=4)
    found = judge_freshness("s", seen, QUALITY.freshness)
    assert found.outcome is FAIL
    assert found.words.endswith("4 are held back by an open transaction of a producer")


def test_a_stream_that_never_started_has_nothing_to_judge() -> None:
    assert judge_freshness("s", Freshness(False, NOW), QUALITY.freshness).outcome is NO_DATA


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=40), st.integers(0, 40),
    st.sampled_from([(60.0, 600.0), (300.0, 600.0), (1.0, 10.0)]),
)  # fmt: skip
def test_freshness_is_the_age_of_the_first_waiting_record(gaps: list[int], consumed: int, limit: tuple[float, float]) -> None:
    """For records in the order of their times: exactly the outcome that the first waiting record's age has."""
    ages_of, age = [], 0
    for gap in gaps:
        ages_of.append(age)
        age += gap
    times = [NOW - timedelta(seconds=a) for a in reversed(ages_of)]
    position = min(consumed, len(times))
    limits = QUALITY.freshness.model_copy(update={"warn_seconds": limit[0], "fail_seconds": limit[1]})

    def first(at: datetime) -> dict[int, int]:
        young = [n for n, time in enumerate(times) if time >= at]
        return {0: young[0]} if young else {}

    rungs = [Rung(s, first(NOW - timedelta(seconds=s))) for s in ages(limits)]
    last = len(times) - 1
    seen = Freshness(True, NOW, {0: position}, {0: len(times)}, rungs, {0: (last, times[-1])}, {0: 0.0})
    waited = (NOW - times[position]).total_seconds() if position <= last else 0.0
    assert judge_freshness("s", seen, limits).outcome is grade(waited, *limit)


# Lags


def test_a_lag_that_cannot_be_told_is_an_error_unless_it_is_known_to_be_too_long() -> None:
    limits = QUALITY.projection_lag
    assert judge_lag("c", "s", Lag(None, "nothing"), limits).outcome is PASS
    assert judge_lag("c", "s", Lag(None, "nothing", known=False), limits).outcome is NO_DATA
    assert judge_lag("c", "s", Lag(31, "late"), limits).outcome is WARN
    assert judge_lag("c", "s", Lag(None, "?", error="down"), limits).outcome is ERROR
    assert judge_lag("c", "s", Lag(31, "late", error="down"), limits).outcome is ERROR
    assert judge_lag("c", "s", Lag(301, "late", error="down"), limits).outcome is FAIL


# Counts

EVEN = Partition(next_offset=10, books_end=10, books=2, jumps=0, offsets=10, records=8, gaps=2)


def counted(**changes: Any) -> Result:
    base: dict[str, Any] = {
        "started": True, "ledger_topic_id": "id", "topic_id": "id", "beginnings": {0: 0}, "ends": {0: 12},
        "partitions": {0: EVEN}, "committed": Committed(2, 5, 1, 5),
    }  # fmt: skip
    return judge_counts("s", Counted(**{**base, **changes}), QUALITY.record_counts)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, PASS),
        ({"committed": Committed(2, 5, 1, 4)}, PASS),  # one was deleted since
        ({"committed": Committed(2, 5, 1, 3)}, FAIL),
        ({"committed": Committed(2, 5, 1, 6)}, FAIL),
        ({"ends": {0: 9}}, FAIL),
        ({"ends": {}}, FAIL),
        ({"beginnings": {0: 11}}, FAIL),
        ({"topic_id": "new"}, FAIL),
        ({"kafka_error": "down", "topic_id": None, "ends": {}}, ERROR),
        ({"kafka_error": "down", "committed": Committed(2, 5, 0, 4)}, FAIL),
        ({"partitions": {0: Partition(10, 9, 2, 0, 10, 8, 2)}}, FAIL),
        ({"partitions": {0: Partition(10, None, 0, 0, 0, 0, 0)}}, PASS),  # the books are pruned
        ({"partitions": {0: Partition(10, 10, 2, 1, 10, 8, 2)}}, FAIL),
        ({"partitions": {0: Partition(10, 10, 2, 0, 10, 8, 1)}}, FAIL),
        ({"started": False}, NO_DATA),
    ],
)
def test_counts(changes: dict[str, Any], outcome: Outcome) -> None:
    assert counted(**changes).outcome is outcome


# Volume


def volume(events: int, before: list[int], **changes: Any) -> Result:
    days = {DAY - n * WEEK: count for n, count in enumerate(before, 1)}
    seen: dict[str, Any] = {"day": DAY, "events": {DAY: events, **days}, "first": date(2025, 1, 1) if len(before) > 20 else DAY - len(before) * WEEK}
    return judge_volume("s", Volumes(**{**seen, **changes}), QUALITY.volume)


WEEKS = [1000, 1100, 900, 1050, 950, 1000, 1020, 980]


@pytest.mark.parametrize(("events", "outcome"), [(1000, PASS), (1400, PASS), (2000, WARN), (3200, FAIL), (500, WARN), (0, FAIL)])
def test_a_day_is_compared_with_its_weekdays(events: int, outcome: Outcome) -> None:
    assert volume(events, WEEKS).outcome is outcome


def test_a_day_is_not_in_its_own_baseline_and_too_few_days_judge_nothing() -> None:
    assert str(DAY) not in volume(1000, WEEKS).evidence["baseline"]  # type: ignore[operator]
    assert volume(9000, WEEKS[:3]).outcome is NO_DATA
    assert volume(9000, WEEKS[:4]).outcome is FAIL
    assert volume(9000, [3] * 8).outcome is NO_DATA  # too few events


def test_days_that_vary_much_allow_more() -> None:
    assert volume(2000, [300, 2500, 700, 1500, 400, 3000, 900, 600]).outcome is PASS


def test_holidays_are_no_baseline_and_may_be_quiet_but_not_doubled() -> None:
    holiday = {DAY - WEEK, DAY - 2 * WEEK}
    before = [0, 10, *WEEKS]
    quiet = volume(1000, before, holidays=holiday)
    assert quiet.outcome is PASS
    assert len(quiet.evidence["baseline"]) == 8  # type: ignore[arg-type]
    assert volume(0, WEEKS, holidays={DAY}).outcome is PASS
    assert volume(3500, WEEKS, holidays={DAY}).outcome is FAIL


def test_holidays_are_those_of_the_country_and_optional_ones_where_it_has_any() -> None:
    days = [date(2026, 2, 17), date(2026, 2, 18), date(2026, 12, 25)]  # the first is Carnival's Tuesday
    limits = load_settings(environ={}).quality.volume

    def among(country: str | None) -> list[date]:
        return holidays_among(days, limits.model_copy(update={"holiday_country": country, "holiday_subdivision": None}))

    assert among("BR") == days
    assert among("DE") == [date(2026, 12, 25)]  # its calendar has no optional ones
    assert among(None) == []


def test_unusual_days_are_no_baseline_until_they_are_the_usual_ones() -> None:
    shifted = [3000, 3000, 3000, *WEEKS]
    excluded = {DAY - n * WEEK for n in (1, 2, 3)}
    assert volume(3000, shifted, excluded=excluded).outcome is WARN
    lasting = {DAY - n * WEEK for n in (1, 2, 3, 4)}
    assert volume(3000, [3000, *shifted], excluded=lasting).outcome is PASS


@given(st.lists(st.integers(100, 10_000), min_size=4, max_size=8), st.integers(2, 9))
def test_volume_depends_on_no_unit(before: list[int], factor: int) -> None:
    """A day that equals the median is never unusual, whatever the spread."""
    middle = sorted(before)[len(before) // 2]
    assert volume(middle, [middle] * len(before)).outcome is PASS
    assert volume(middle * 4, [middle] * len(before)).outcome is FAIL


# Null rates, schema, drift


def nulls(ago: int, n: int, rows: int = 1000, kind: str = "SAIDA") -> Nulls:
    return Nulls(DAY - timedelta(days=ago), kind, rows, {"customer": n})


def judged_nulls(today: Nulls, before: list[Nulls]) -> Result:
    return judge_nulls("s", [today], before, QUALITY.null_rates, lambda _: QUALITY.null_rates)


def test_null_rates_rise_beyond_the_usual_and_beyond_its_spread() -> None:
    calm = [nulls(n, 50) for n in range(1, 10)]
    wild = [nulls(n, share) for n, share in enumerate([0, 700, 300, 600, 100, 500, 50, 760], 1)]
    assert judged_nulls(nulls(0, 60), calm).outcome is PASS
    assert judged_nulls(nulls(0, 0), calm).outcome is PASS  # fewer nulls are no fault
    assert judged_nulls(nulls(0, 260), calm).outcome is FAIL
    assert judged_nulls(nulls(0, 800), wild).outcome is PASS
    assert judged_nulls(nulls(0, 1000), wild).outcome is FAIL  # gone altogether, which it never was
    assert judged_nulls(nulls(0, 90, rows=90), calm).outcome is NO_DATA
    assert judged_nulls(nulls(0, 1000, kind="AJUSTE"), calm).outcome is NO_DATA
    assert judged_nulls(nulls(0, 1000), [nulls(n, 1000) for n in range(1, 9)]).outcome is PASS


def test_schema() -> None:
    def judged(**seen: Any) -> Result:
        return judge_schema("s", Schema(**seen), QUALITY.schema_)

    assert judged().outcome is PASS
    assert judged(lacks=["no column"]).outcome is FAIL
    assert judged(extra=["t.x"]).outcome is WARN
    assert judged(unknown=["novo"]).outcome is WARN
    assert judged(missing={"deposito": 19}).outcome is PASS
    assert judged(missing={"deposito": 20}, unknown=["deposito_id"]).words == (
        "field deposito is missing in 20 records, which were rejected; new fields in records: deposito_id; they are ignored"
    )
    gone = {"tested": [nulls(0, 1000)], "field_names": {"customer": "cliente"}}
    assert judged(**gone, baseline=[nulls(1, 500)]).words.startswith("field cliente has vanished")
    assert judged(**gone, baseline=[nulls(1, 1000)]).outcome is PASS  # it never was there
    assert judged(**gone, baseline=[nulls(1, 999)]).outcome is PASS  # so rare that a day without it is likely


def prices(ago: int, jumps: int = 0, quantity: float = 2.0, rows: int = 500) -> DayPrices:
    return DayPrices(DAY - timedelta(days=ago), rows, rows, jumps, 0.0, quantity, ["E1"])


def test_drift_of_prices_and_quantities() -> None:
    before = [prices(n, jumps=n % 3) for n in range(1, 10)]

    def judged(*tested: DayPrices) -> Outcome:
        return judge_drift("s", "unit_cost", tested, before, QUALITY.drift).outcome

    assert judged(prices(0)) is PASS
    assert judged(prices(0, jumps=40)) is WARN
    assert judged(prices(0, jumps=200), prices(1)) is FAIL
    assert judged(prices(0, quantity=2.0 + 2.3)) is FAIL  # times ten
    assert judged(prices(0, quantity=2.0 - 2.3)) is FAIL
    assert judged(prices(0, jumps=50, rows=50)) is NO_DATA


# Shares


def test_duplicates_beyond_the_usual_share() -> None:
    usual = [DayDuplicates(1000, 40)] * 5

    def judged(n: int, rows: int = 1000) -> Outcome:
        return judge_duplicates("s", {DAY: DayDuplicates(rows, n, ["E9"])}, usual, QUALITY.duplicates).outcome

    assert [judged(40), judged(139), judged(150), judged(500), judged(50, 99)] == [PASS, PASS, WARN, FAIL, NO_DATA]
    assert judge_duplicates("s", {}, [], QUALITY.duplicates).outcome is NO_DATA


def test_references_quarantine_and_redis() -> None:
    def known(*seen: Any) -> Outcome:
        return judge_references("s", "m", References(*seen), QUALITY.references).outcome

    assert [known(False), known(True, 19, 19), known(True, 1000, 10), known(True, 1000, 11), known(True, 1000, 101)] == [
        NO_DATA, NO_DATA, PASS, WARN, FAIL,
    ]  # fmt: skip

    def rejected(*seen: Any) -> Outcome:
        return judge_quarantine("s", Quarantine(*seen), QUALITY.quarantine_share).outcome

    assert [rejected(0, 0), rejected(100, 1), rejected(100, 2), rejected(100, 11)] == [NO_DATA, PASS, WARN, FAIL]

    def hashes(*seen: Any) -> Outcome:
        return judge_redis("s", RedisSample(*seen), QUALITY.redis_sample).outcome

    assert [hashes(False), hashes(True, 0), hashes(True, 9, 3), hashes(True, 9, 0, ["k"])] == [NO_DATA, NO_DATA, PASS, FAIL]


# Settings and exit status


def test_limits_of_a_stream_and_of_its_column(tmp_path: Any) -> None:
    own = settings(tmp_path, "quality: {null_rates: {rise: 0.3, of: {sales: {rise: 0.4, enabled: false}, sales.customer: {rise: 0.5}}}}")
    found = [limits_of(own.quality.null_rates, *names) for names in ((), ("sales",), ("sales", "sales.customer"))]
    assert [(f.rise, f.enabled) for f in found] == [(0.3, True), (0.4, False), (0.5, False)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quality: {freshness: {warn_seconds: 900}}", "warn_seconds must not exceed fail_seconds"),
        ("quality: {freshness: {of: {sales: {fail_second: 9}}}}", "of.sales.fail_second"),
        ("quality: {volume: {weeks: 60}}", "quality.volume.weeks"),
        ("quality: {volum: {}}", "quality.volum"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Any, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")):
        settings(tmp_path, text)


def test_limits_of_something_unknown_are_named(tmp_path: Any) -> None:
    streams = [stream("sales")]
    check_subjects(settings(tmp_path, "quality: {drift: {of: {sales: {}, sales.unit_price: {}}}}"), streams)
    for subject in ("sale", "sales.unit_cost"):
        with pytest.raises(SettingsError, match=f"quality.drift.of.{subject}: neither"):
            check_subjects(settings(tmp_path, f"quality: {{drift: {{of: {{{subject}: {{}}}}}}}}"), streams)


@pytest.mark.parametrize(("country", "part", "named"), [("XX", "PR", "ISO 3166"), ("BR", "QQ", "null or one of: AC, ")])
def test_unknown_holidays_are_named(country: str, part: str, named: str) -> None:
    changed = {"holiday_country": country, "holiday_subdivision": part}
    check_holidays(QUALITY.volume)
    check_holidays(QUALITY.volume.model_copy(update={"holiday_country": None}))
    with pytest.raises(SettingsError, match=named):
        check_holidays(QUALITY.volume.model_copy(update=changed))


def test_failures(tmp_path: Any) -> None:
    expects = settings(tmp_path, "quality: {volume: {of: {sales: {no_data: fail}}}}")

    def result(outcome: Outcome, subject: str = "sales") -> Result:
        return Result("volume", subject, Severity.CRITICAL, outcome, "words", "1", "2")

    assert [failed(result(o), BASE) for o in (PASS, WARN, FAIL, ERROR, NO_DATA)] == [False, False, True, True, False]
    assert failed(result(NO_DATA), expects)
    assert not failed(result(NO_DATA, "inventory"), expects)
    assert list(lines([result(PASS), result(PASS, "inventory"), result(FAIL)], BASE)) == [
        "FAIL     volume            sales: words",
        "                           observed 1; limit 2",
        "pass     volume            sales, inventory: words",
        "3 results: 1 fail, 2 pass; critical failures: 1",
    ]


def test_every_check_has_a_section_of_its_own() -> None:
    assert {c.name for c in CHECKS} == {name.rstrip("_") for name, field in QualitySettings.model_fields.items() if "Limits" in str(field.annotation)}
    assert all(c.limits(QUALITY).severity in ("warning", "critical") for c in CHECKS)
