"""Health: a judgement of each part, and the worst of them. Pure functions; the words are for people, and translated.

A part that is not used here is quiet, and counts for nothing. What is not known is never good. Streams are judged in
stream_health.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from castro_spark.incidents.by_hand import OpenIncidents
from castro_spark.incidents.incident import Incident
from castro_spark.observe.instance import is_silent
from castro_spark.page.words.language import counted, text
from castro_spark.process.component import ALIVE
from castro_spark.process.component import State as Running
from castro_spark.sections.quality import LagLimits

SCHEDULED = timedelta(hours=26)  # a job of once a day, with two hours to spare

_OLD_REDIS = text("The ML application may read old numbers. In PostgreSQL they are complete.")


class State(str, Enum):
    """Of a part, and of the whole."""

    GOOD = "good"
    WARNING = "warning"
    UNKNOWN = "unknown"
    BAD = "bad"
    QUIET = "quiet"  # not used here: counts for nothing


_ORDER = (State.QUIET, State.GOOD, State.WARNING, State.UNKNOWN, State.BAD)


@dataclass(frozen=True)
class Part:
    """One part. `what` and `affects` are texts to translate; `count` and `seconds` fill %(count)s and %(time)s. Where
    it depends on the count, `what` is a pair: for one, and for many."""

    name: str  # a stream's, or a text to translate
    state: State
    what: str | tuple[str, str]
    affects: str = ""
    since: datetime | None = None
    seen_at: datetime | None = None  # how old what is known of it is
    count: int | None = None
    seconds: float | None = None
    incident: Incident | None = None  # the worst of several
    words: str = ""  # of the error, as the jobs have it: in English
    href: str = ""


def worst(states: Iterable[State]) -> State:
    """The worst state that counts; nothing that counts is unknown."""
    counted = [state for state in states if state is not State.QUIET]
    return max(counted, key=_ORDER.index) if counted else State.UNKNOWN


def severity(state: State) -> int:
    """Greater is worse."""
    return _ORDER.index(state)


def by_age(
    name: str, age_seconds: float | None, limits: LagLimits, at: datetime | None, words: tuple[str, str, str]
) -> Part:
    """A job that must have run lately. `words`: never, in time, late."""
    never, well, late = words
    if age_seconds is None:
        return Part(name, State.QUIET, never)
    state = State.GOOD
    if age_seconds >= limits.warn_seconds:
        state = State.BAD if age_seconds >= limits.fail_seconds else State.WARNING
    return Part(name, state, well if state is State.GOOD else late, since=at, seen_at=at, seconds=age_seconds)


def of_job(name: str, row: Mapping[str, Any] | None, judged: Part) -> Part:
    """A job by its last run: one that failed or fell silent is worse than whatever its age says."""
    if row is None:
        return judged
    if Running(row["state"]) in (Running.FAILED, Running.RESTARTING):  # the latter of a loop, which tries again
        what = text("Its last run failed.")
        return Part(name, State.BAD, what, "", row["state_since"], row["heartbeat_at"], words=row["error"] or "")
    if is_silent(row):
        return Part(
            name, State.WARNING, text("Its last run was killed, or cannot reach PostgreSQL."), "", row["heartbeat_at"]
        )
    return judged


def of_archive(rows: Iterable[Mapping[str, Any]]) -> Part:
    """The archives of all streams: the worst of them."""
    name = text("Archive")
    found = [(_archive_state(row), row) for row in rows]
    if not found:
        return Part(name, State.QUIET, text("Never ran."))
    state, row = max(found, key=lambda pair: severity(pair[0]))
    if state is State.GOOD:
        return Part(name, state, text("Keeps every record as it came."), seen_at=row["heartbeat_at"])
    what = text("Does not write. Records that age out of Kafka meanwhile are not archived.")
    return Part(name, state, what, since=row["state_since"], seen_at=row["heartbeat_at"], words=row["error"] or "")


def _archive_state(row: Mapping[str, Any]) -> State:
    state = Running(row["state"])
    if state is Running.FAILED or is_silent(row):
        return State.BAD
    if state is Running.RESTARTING:
        return State.WARNING
    return State.GOOD if state in ALIVE else State.QUIET


@dataclass(frozen=True)
class Follower:
    """How far Redis is behind one stream: commits, and the age of the oldest that it lacks."""

    stream: str
    behind: int
    seconds: float
    error: str | None
    since: datetime | None


def of_redis(error: str | None, followers: Iterable[Follower], limits: LagLimits, now: datetime) -> Part:
    """Whether Redis answers, and holds what PostgreSQL holds."""
    name = text("Redis")
    found = list(followers)
    since = min((f.since for f in found if f.since), default=None)
    if error is not None:
        return Part(name, State.BAD, text("It does not answer."), _OLD_REDIS, since, now, words=error)
    if not found:
        return Part(name, State.QUIET, text("Nothing is published yet."))
    last = max(found, key=lambda f: f.seconds if f.behind else 0.0)
    if last.behind and last.seconds >= limits.warn_seconds:
        state = State.BAD if last.seconds >= limits.fail_seconds else State.WARNING
        what = text("Behind PostgreSQL by %(time)s.")
        return Part(name, state, what, _OLD_REDIS, since, now, seconds=last.seconds, words=last.error or "")
    return Part(name, State.GOOD, text("Holds what PostgreSQL holds."), seen_at=now)


def of_incidents(short: OpenIncidents, worst: Incident | None, now: datetime) -> Part:
    """Open incidents; those that are muted are known, and count for nothing."""
    name, count = text("Incidents"), short.count - short.muted
    if count <= 0:
        muted = counted("%(count)s open, and muted.", "%(count)s open, all muted.")
        what = muted if short.count else text("None is open.")
        return Part(name, State.GOOD, what, seen_at=now, count=short.count, href="/incidents")
    return Part(
        name, State.BAD if short.critical else State.WARNING, text("%(count)s open."), since=short.oldest, seen_at=now,
        count=count, incident=worst, href="/incidents",
    )  # fmt: skip


def of_outbox(dead: int, failing: int, words: str, now: datetime) -> Part:
    """Alerts and tasks for other systems."""
    name = text("Alerts and tasks")
    lost = text("Somebody, or the ML application, was not told of something.")
    if dead:
        return Part(
            name,
            State.BAD,
            counted("%(count)s message could not be delivered.", "%(count)s messages could not be delivered."),
            lost,
            None,
            now,
            dead,
            words=words,
            href="/outbox",
        )
    if failing:
        what = counted(
            "%(count)s message is not delivered yet. It is tried again.",
            "%(count)s messages are not delivered yet. They are tried again.",
        )
        return Part(name, State.WARNING, what, "", None, now, failing, words=words, href="/outbox")
    return Part(name, State.GOOD, text("All are delivered."), seen_at=now, href="/outbox")


def of_quality(judged_at: datetime | None, failures: int, now: datetime) -> Part:
    """The checks of the data: whether they ran lately. What they found are incidents."""
    name = text("Data checks")
    if judged_at is None:
        return Part(name, State.QUIET, text("The data were never checked."), href="/quality")
    if now - judged_at > SCHEDULED:
        what = text("The data have not been checked for %(time)s.")
        return Part(
            name, State.UNKNOWN, what, "", judged_at, judged_at, seconds=_seconds(now - judged_at), href="/quality"
        )
    if failures:
        found = counted("%(count)s check finds something wrong.", "%(count)s checks find something wrong.")
        return Part(name, State.WARNING, found, "", judged_at, judged_at, failures, href="/quality")
    return Part(name, State.GOOD, text("All passed."), seen_at=judged_at, href="/quality")


def of_retraining(decided_at: datetime | None, *, fired: bool) -> Part:
    """Whether the model is to be trained again, by the last decision."""
    name = text("Retraining of the model")
    if decided_at is None:
        return Part(name, State.QUIET, text("Never decided."), href="/retraining")
    what = text("Asked for.") if fired else text("Not needed, or held back.")
    return Part(name, State.GOOD, what, seen_at=decided_at, href="/retraining")


def of_quarantine(waiting: int, foreign: bool, now: datetime) -> Part:
    """Rejected records. Their share is judged by a data check; here counts only what needs a decision."""
    name = text("Quarantine")
    if foreign:
        what = text("Changes of another source arrive. Someone must decide whether they belong here.")
        return Part(name, State.BAD, what, text("They are not counted."), None, now, waiting, href="/quarantine")
    if waiting:
        return Part(
            name,
            State.QUIET,
            counted("%(count)s rejected record waits for a look.", "%(count)s rejected records wait for a look."),
            "",
            None,
            now,
            waiting,
            href="/quarantine",
        )
    return Part(name, State.GOOD, text("No record is rejected."), seen_at=now, href="/quarantine")


def _seconds(length: timedelta) -> float:
    return length.total_seconds()
