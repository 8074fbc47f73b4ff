"""The schedule of a repeating job, on a clock that the test moves; and the durations of the command line."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from castro_spark import cli
from castro_spark.batch.beats import Beats


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_beats_neither_drift_nor_queue_up() -> None:
    clock = Clock()
    beats = Beats(60, clock)
    seen = []
    for run_seconds in (10, 59, 61, 0, 200):
        clock.now += run_seconds
        wait = beats.wait()
        clock.now += wait
        seen.append((wait, clock.now, beats.missed))
    assert seen == [(50, 1060, 0), (1, 1120, 0), (59, 1240, 1), (60, 1300, 1), (40, 1540, 4)]


def test_a_run_that_ends_on_a_beat_waits_for_the_next() -> None:
    clock = Clock()
    beats = Beats(60, clock)
    clock.now += 60
    assert (beats.wait(), beats.missed) == (60, 1)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.integers(1, 100))
def test_every_beat_is_run_or_counted(runs: list[int], every: int) -> None:
    clock = Clock()
    beats = Beats(every, clock)
    for seconds in runs:
        clock.now += seconds
        wait = beats.wait()
        assert 0 < wait <= every
        clock.now += wait
    assert clock.now - 1000 == every * (len(runs) + beats.missed)


@click.command()
@click.option("--every", callback=cli.duration(least=1))
def _waits(every: float | None) -> None:
    click.echo(every)


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("30s", 30), ("5m", 300), ("1.5h", 5400), ("24h", 86400)])
def test_durations(text: str, seconds: float) -> None:
    assert float(CliRunner().invoke(_waits, ["--every", text]).output) == seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5", "is no duration: write a number and its unit"), ("", "is no duration"), ("-5m", "is no duration"), ("5 min", "is no duration"),
        ("0s", "out of range: 1s to 24h"), ("25h", "out of range: 1s to 24h"),
    ],
)  # fmt: skip
def test_what_is_no_duration(text: str, words: str) -> None:
    told = CliRunner().invoke(_waits, ["--every", text])
    assert told.exit_code == 2
    assert words in told.output
