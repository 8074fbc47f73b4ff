"""A generated month, clean and with faults: each incident once, on the right subject, told once, and over once mended."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from castro_spark.local import Stack
from tests.month.faults import AT_ONCE, FAULTS, Fault
from tests.month.generated import calendar, generated
from tests.month.plant import plant
from tests.month.replay import Month, replay
from tests.system import System
from tests.today import today

_CHECKED = 10  # days before the faults whose every run is looked at; the ones before them are history


@dataclass(frozen=True)
class UpTo:
    """A month up to the day of the faults, and the days from then on."""

    month: Month
    after: list[date]


@pytest.fixture(scope="module")
def up_to(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpTo]:
    seed = random.SystemRandom().randrange(2**32)
    made = calendar(today())
    print(f"seed {seed}, holidays of {made.country}, planted on {made.planted}")
    system = System(servers, tmp_path_factory.mktemp("month"))
    system.migrate(topics=False)
    volume = {"holiday_country": made.country, "holiday_subdivision": None}
    month = Month(system, generated(made, seed), volume)
    before = [day for day in made.days if day < made.planted]
    month.history(before[:-_CHECKED])
    replay(month, before[-_CHECKED:], runs=1)
    month.close()
    yield UpTo(month, [day for day in made.days if day >= made.planted])
    system.end()


def test_the_month_as_it_is_raises_nothing(up_to: UpTo, servers: Stack, tmp_path: Path) -> None:
    query = up_to.month.system.query
    with up_to.month.copy(servers, tmp_path) as month:
        replay(month, up_to.after[:3], runs=1)
        assert up_to.month.seen + month.seen == []
        assert month.incidents() == []
        assert month.told() == {}
    # All that must find a fault judged something, and a holiday was among the days.
    judged = {check for (check,) in query("SELECT DISTINCT check_name FROM castro.quality_result WHERE outcome = 'pass'")}
    assert judged >= {"volume", *(check for fault in FAULTS for check in fault.raises)}
    assert query("SELECT count(*) > 0 FROM castro.quality_result WHERE check_name = 'volume' AND words LIKE '%; a holiday'") == [(True,)]


def _name(faults: tuple[Fault, ...]) -> str:
    return faults[0].name if len(faults) == 1 else "all at once"


@pytest.mark.parametrize("faults", [*((fault,) for fault in FAULTS), AT_ONCE], ids=_name)
def test_each_fault_raises_its_incidents_once(up_to: UpTo, servers: Stack, tmp_path: Path, faults: tuple[Fault, ...]) -> None:
    with up_to.month.copy(servers, tmp_path) as month:
        problems = plant(month, faults, up_to.after, volume=True)
    assert problems == [], "\n".join(month.seen)
