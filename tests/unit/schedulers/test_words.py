"""Each line of words that Airflow and Oozie call the door with is one that the job's own command line accepts."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "conf" / "airflow"))
import castro_schedule as schedule  # noqa: E402

_SHELL = "{uri:oozie:shell-action:1.0}"
_BUNDLE = "{uri:oozie:bundle:0.2}"
_VALUES = {"stream": "sales", "first": "2026-01-01", "last": "2026-01-31", "day": "2026-01-31", "env": "cluster"}
_RENDERED = {
    "{{ params.stream }}": "sales",
    "{{ params['from'] }}": "2026-01-01",
    "{{ params.to }}": "2026-01-31",
    "{{ params.date or business_day(dag_run.run_after) }}": "2026-01-31",
}


def _airflow() -> Iterator[list[str]]:
    for job in schedule.JOBS:
        options = [re.sub(r"\{\{ '(--[a-z-]+)' if params\.\w+ else '' \}\}", r"\1", word) for word in job.words]
        yield [_RENDERED.get(word, word) for word in options]


def _actions() -> dict[str, list[str]]:
    tree = ElementTree.parse(ROOT / "conf" / "oozie" / "workflow.xml")
    return {
        action.get("name", ""): [
            re.sub(r"\$\{(\w+)\}", lambda m: _VALUES[m[1]], word.text or "")
            for word in action.iter(f"{_SHELL}argument")
        ]
        for action in tree.iter("{uri:oozie:workflow:1.0}action")
    }


@pytest.mark.parametrize("words", [*_airflow(), *_actions().values()], ids=" ".join)
def test_the_job_accepts_its_words(words: Sequence[str]) -> None:
    command = importlib.import_module(f"jobs.{words[0]}").main
    command.make_context(words[0], list(words[1:]))  # raises if an option is unknown or missing


def test_oozie_has_the_schedule_of_airflow_three_hours_later() -> None:
    tree = ElementTree.parse(ROOT / "conf" / "oozie" / "bundle.xml")
    oozie = {}
    for coordinator in tree.iter(f"{_BUNDLE}coordinator"):
        texts = [p.findtext(f"{_BUNDLE}value") for p in coordinator.iter(f"{_BUNDLE}property")]
        oozie[coordinator.get("name")] = texts
    assert {values[0] for values in oozie.values()} <= set(_actions())
    in_utc = {
        "*/5 * * * *": "0/5 * * * *",
        "2-59/5 * * * *": "2/5 * * * *",
        "0 2 * * *": "0 5 * * *",
        "30 4 * * *": "30 7 * * *",
    }
    assert {name: values[1] for name, values in oozie.items()} == {
        j.dag_id: in_utc[j.cron] for j in schedule.JOBS if j.cron
    }


def _named(*documents: str) -> set[str]:
    text = "".join((ROOT / "conf" / "oozie" / document).read_text() for document in documents)
    return set(re.findall(r"\$\{(\w+)\}", text))


def _set_by(*files: str) -> set[str]:
    lines = "".join((ROOT / "conf" / "oozie" / file).read_text() for file in files).splitlines()
    return {line.partition("=")[0] for line in lines if "=" in line}


def test_oozies_properties_are_all_set() -> None:
    by_the_bundle, by_the_coordinator, of_a_backfill = {"job", "frequency"}, {"job", "day"}, {"stream", "first", "last"}
    of_the_schedule = _named("bundle.xml", "coordinator.xml") - by_the_bundle
    assert of_the_schedule <= _set_by("job.properties")
    assert _named("workflow.xml") - by_the_coordinator - of_a_backfill <= _set_by("job.properties")
    assert _named("workflow.xml") - {"day"} <= _set_by("backfill.properties")
