"""Health: each part's judgement in words, and the worst of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.incidents.by_hand import OpenIncidents
from castro_spark.page.reading import health
from castro_spark.page.reading.health import Follower, Part, State
from castro_spark.page.reading.stream_health import Flow, of_stream
from castro_spark.sections.quality import LagLimits

NOW = datetime(2026, 11, 29, 15, 0, tzinfo=timezone.utc)
LIMITS = LagLimits(warn_seconds=30, fail_seconds=300)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def instance(state: str = "running", since: datetime | None = None, silent: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "state": state, "state_since": since or ago(hours=2), "heartbeat_at": NOW - timedelta(seconds=silent), "silent_seconds": silent,
        "error": None, **more,
    }  # fmt: skip


def flow(row: dict[str, Any] | None, lag: int | None = 0, rate: float = 10.0, **more: Any) -> Flow:
    values = {"committed_at": ago(seconds=1), "looked_at": ago(seconds=4), "same_topic": True, **more}
    return Flow("sales", row, lag=lag, rate=rate, **values)


@pytest.mark.parametrize(
    ("flow", "state", "what"),
    [
        (flow(None, committed_at=None), State.QUIET, "Never started."),
        (flow(None), State.UNKNOWN, "No process has said that it runs it."),
        (flow(instance()), State.GOOD, "In step: all that was sent is counted."),
        (flow(instance(), lag=300), State.GOOD, "In step: %(count)s records are on their way."),
        (flow(instance(), lag=601), State.WARNING, "%(count)s records wait: about %(time)s to catch up at this pace."),
        (flow(instance(), lag=5, rate=0.0), State.GOOD, "%(count)s records are on their way."),
        (flow(instance(), lag=5, rate=0.0, committed_at=ago(seconds=90)), State.BAD, "%(count)s records wait, and none are taken."),
        (flow(instance(), lag=None), State.UNKNOWN, "It runs, but how much waits in Kafka is not known."),
        (flow(instance(), looked_at=ago(seconds=31)), State.UNKNOWN, "It runs, but how much waits in Kafka is not known."),
        (flow(instance(), same_topic=False), State.BAD, "Its topic was created anew: the places that were read are not those of this topic."),
        (flow(instance("failed", error="x")), State.BAD, "Ended by an error. It does not start again by itself."),
        (flow(instance("restarting", ago(minutes=4))), State.WARNING, "Interrupted by an error. It tries again by itself."),
        (flow(instance("restarting", ago(minutes=6))), State.BAD, "Interrupted by an error. It tries again by itself."),
        (flow(instance("stopped")), State.WARNING, "Stopped on request."),
        (flow(instance("done")), State.GOOD, "Took all that was there, and ended as planned."),
        (flow(instance("done", ago(hours=27))), State.WARNING, "Ran to its end, and has not run again for %(time)s."),
        (flow(instance("starting", ago(seconds=9)), committed_at=None), State.GOOD, "Starting."),
        (flow(instance("starting", ago(seconds=130)), committed_at=None), State.UNKNOWN, "Starting."),
        (flow(instance("starting")), State.GOOD, "In step: all that was sent is counted."),
        (flow(instance(silent=31.0)), State.BAD, "No sign of life: it was killed, is frozen, or cannot reach PostgreSQL."),
        (flow(instance("done", silent=3600.0)), State.GOOD, "Took all that was there, and ended as planned."),
    ],
)  # fmt: skip
def test_a_stream(flow: Flow, state: State, what: str) -> None:
    part = of_stream(flow, NOW)
    said = part.what if isinstance(part.what, str) else part.what[1]  # of many
    assert (part.state, said) == (state, what)
    assert bool(part.affects) == (state in {State.BAD, State.WARNING}) or state is State.UNKNOWN


def test_since_when() -> None:
    assert of_stream(flow(instance("failed", ago(hours=3), error="boom")), NOW) == Part(
        "sales", State.BAD, "Ended by an error. It does not start again by itself.",
        "What arrives meanwhile is not counted yet. Nothing is lost: it waits in Kafka.",
        ago(hours=3), ago(seconds=1), words="boom",
    )  # fmt: skip
    assert of_stream(flow(instance(silent=40.0)), NOW).since == ago(seconds=40)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], State.UNKNOWN),
        ([State.QUIET], State.UNKNOWN),
        ([State.QUIET, State.GOOD], State.GOOD),
        ([State.GOOD, State.WARNING], State.WARNING),
        ([State.WARNING, State.UNKNOWN], State.UNKNOWN),
        ([State.UNKNOWN, State.BAD, State.GOOD], State.BAD),
    ],
)
def test_the_whole_is_the_worst_part(states: list[State], expected: State) -> None:
    assert health.worst(states) is expected


@given(st.lists(st.sampled_from(State)), st.sampled_from([State.WARNING, State.UNKNOWN, State.BAD]))
def test_one_part_that_is_not_good_is_never_lost(states: list[State], other: State) -> None:
    assert health.severity(health.worst([*states, other])) >= health.severity(other)


@pytest.mark.parametrize(
    ("error", "followers", "state"),
    [
        (None, [], State.QUIET),
        ("refused", [], State.BAD),
        (None, [Follower("sales", 0, 900.0, None, None)], State.GOOD),
        (None, [Follower("sales", 3, 29.0, None, None)], State.GOOD),
        (None, [Follower("sales", 0, 9.0, None, None), Follower("inventory", 3, 30.0, "x", None)], State.WARNING),
        (None, [Follower("sales", 3, 300.0, None, None)], State.BAD),
    ],
)
def test_redis(error: str | None, followers: list[Follower], state: State) -> None:
    assert health.of_redis(error, followers, LIMITS, NOW).state is state


@pytest.mark.parametrize(
    ("short", "state", "count"),
    [
        (OpenIncidents(0, None, 0, 0), State.GOOD, 0),
        (OpenIncidents(2, NOW, 2, 1), State.GOOD, 2),
        (OpenIncidents(3, NOW, 1, 0), State.WARNING, 2),
        (OpenIncidents(1, NOW, 0, 1), State.BAD, 1),
    ],
)
def test_incidents(short: OpenIncidents, state: State, count: int) -> None:
    part = health.of_incidents(short, None, NOW)
    assert (part.state, part.count) == (state, count)


def test_jobs() -> None:
    words = "never", "well", "late"
    ages = [None, 29.0, 30.0, 300.0]
    judged = [health.by_age("extract", age, LIMITS, NOW, words) for age in ages]
    assert [(part.state, part.what) for part in judged] == [
        (State.QUIET, "never"), (State.GOOD, "well"), (State.WARNING, "late"), (State.BAD, "late"),
    ]  # fmt: skip
    well = judged[1]
    assert health.of_job("extract", None, well) == well
    assert health.of_job("extract", instance("done", silent=9e5), well) == well
    assert health.of_job("extract", instance("failed", error="boom"), well).state is State.BAD
    assert health.of_job("extract", instance("restarting", error="boom"), well).state is State.BAD
    assert health.of_job("extract", instance(silent=31.0), well).state is State.WARNING


def test_the_rest() -> None:
    assert health.of_outbox(0, 0, "", NOW).state is State.GOOD
    assert health.of_outbox(0, 2, "", NOW).state is State.WARNING
    assert health.of_outbox(1, 2, "", NOW).state is State.BAD
    assert health.of_quality(None, 0, NOW).state is State.QUIET
    assert health.of_quality(ago(hours=27), 0, NOW).state is State.UNKNOWN
    assert health.of_quality(ago(hours=1), 2, NOW).state is State.WARNING
    assert health.of_quality(ago(hours=1), 0, NOW).state is State.GOOD
    assert health.of_quarantine(0, False, NOW).state is State.GOOD
    assert health.of_quarantine(9, False, NOW).state is State.QUIET
    assert health.of_quarantine(9, True, NOW).state is State.BAD
    assert health.of_archive([]).state is State.QUIET
    assert health.of_archive([instance(), instance("restarting")]).state is State.WARNING
    assert health.of_archive([instance(), instance("failed")]).state is State.BAD
