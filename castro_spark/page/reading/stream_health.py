"""Health of a stream: whether it runs, and is in step with its topic. Pure; the words are translated, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from castro_spark.observe.instance import is_silent
from castro_spark.page.reading.health import SCHEDULED, Part, State
from castro_spark.page.words.language import counted, text
from castro_spark.process.component import State as Running

_LOOKED_SECONDS = 30.0  # a running stream looks at its topic every 5 s
_STARTING_SECONDS = 120.0
_SHORT_SECONDS = 60.0  # to catch up within this is in step
_RESTARTING = timedelta(minutes=5)

_NOT_COUNTED = text("What arrives meanwhile is not counted yet. Nothing is lost: it waits in Kafka.")
_OLD_NUMBERS = text("The numbers of today are older than they should be.")


@dataclass(frozen=True)
class Flow:
    """What is known of a stream: its current instance, its lag in records, and the records a second it takes now."""

    name: str
    instance: Mapping[str, Any] | None
    committed_at: datetime | None
    lag: int | None
    looked_at: datetime | None  # at the topic's end
    same_topic: bool | None
    rate: float


def of_stream(flow: Flow, now: datetime) -> Part:
    """Whether a stream runs, and is in step with its topic."""
    row = flow.instance
    if row is None:
        if flow.committed_at is None:
            return Part(flow.name, State.QUIET, text("Never started."))
        return Part(flow.name, State.UNKNOWN, text("No process has said that it runs it."), seen_at=flow.committed_at)
    return _not_running(flow, row, now) or _in_step(flow, now)


def _not_running(flow: Flow, row: Mapping[str, Any], now: datetime) -> Part | None:
    """What is said of a stream that does not run; None if it does."""
    state, since = Running(row["state"]), row["state_since"]
    lasted = now - since
    judged, affects, seconds = State.GOOD, "", None
    if is_silent(row):
        judged, affects, since = State.BAD, _NOT_COUNTED, row["heartbeat_at"]
        what = text("No sign of life: it was killed, is frozen, or cannot reach PostgreSQL.")
    elif state is Running.FAILED:
        judged, affects = State.BAD, _NOT_COUNTED
        what = text("Ended by an error. It does not start again by itself.")
    elif state is Running.RESTARTING:
        judged, affects = State.BAD if lasted > _RESTARTING else State.WARNING, _NOT_COUNTED
        what = text("Interrupted by an error. It tries again by itself.")
    elif state is Running.STOPPED:
        judged, affects, what = State.WARNING, _NOT_COUNTED, text("Stopped on request.")
    elif state is Running.DONE and lasted > SCHEDULED:
        judged, affects, seconds = State.WARNING, _OLD_NUMBERS, lasted.total_seconds()
        what = text("Ran to its end, and has not run again for %(time)s.")
    elif state is Running.DONE:
        what = text("Took all that was there, and ended as planned.")
    elif state is Running.STARTING and flow.committed_at is None:
        judged = State.UNKNOWN if lasted.total_seconds() > _STARTING_SECONDS else State.GOOD
        what = text("Starting.")
    else:
        return None
    words = row["error"] or ""
    return Part(flow.name, judged, what, affects, since, row["heartbeat_at"], seconds=seconds, words=words)


def _in_step(flow: Flow, now: datetime) -> Part:
    seen = flow.looked_at

    def part(judged: State, what: str | tuple[str, str], affects: str = "", **more: Any) -> Part:
        return Part(flow.name, judged, what, affects, seen_at=seen, **more)

    if flow.same_topic is False:
        return part(
            State.BAD,
            text("Its topic was created anew: the places that were read are not those of this topic."),
            _NOT_COUNTED,
        )
    if flow.lag is None or seen is None or (now - seen).total_seconds() > _LOOKED_SECONDS:
        return part(State.UNKNOWN, text("It runs, but how much waits in Kafka is not known."), _OLD_NUMBERS)
    if flow.lag == 0:
        return part(State.GOOD, text("In step: all that was sent is counted."))
    if flow.rate <= 0:
        old = flow.committed_at is None or (now - flow.committed_at).total_seconds() > _SHORT_SECONDS
        what = (
            counted("%(count)s record waits, and none is taken.", "%(count)s records wait, and none are taken.")
            if old
            else counted("%(count)s record is on its way.", "%(count)s records are on their way.")
        )
        return part(State.BAD if old else State.GOOD, what, _OLD_NUMBERS if old else "", count=flow.lag,
                    since=flow.committed_at if old else None)  # fmt: skip
    left = flow.lag / flow.rate
    if left <= _SHORT_SECONDS:
        on_their_way = counted(
            "In step: %(count)s record is on its way.", "In step: %(count)s records are on their way."
        )
        return part(State.GOOD, on_their_way, count=flow.lag)
    what = counted(
        "%(count)s record waits: about %(time)s to catch up at this pace.",
        "%(count)s records wait: about %(time)s to catch up at this pace.",
    )
    return part(State.WARNING, what, _OLD_NUMBERS, count=flow.lag, seconds=left)
