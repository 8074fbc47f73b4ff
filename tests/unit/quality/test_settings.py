"""The settings of the checks, and what their results mean for the exit status."""

from __future__ import annotations

from typing import Any

import pytest

from castro_spark.errors import SettingsError
from castro_spark.quality.checks import CHECKS
from castro_spark.quality.measure.events import check_holidays
from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.quality.run import check_subjects, failed
from castro_spark.quality.text import lines
from castro_spark.sections.quality import QualitySettings, limits_of
from castro_spark.settings import Settings, load_settings
from castro_spark.streams import stream
from tests.unit.quality.limits import BASE, ERROR, FAIL, NO_DATA, PASS, QUALITY, WARN


def settings(tmp_path: Any, text: str) -> Settings:
    (tmp_path / "own.yaml").write_text(text)
    return load_settings(conf_file=tmp_path / "own.yaml", environ={})


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
