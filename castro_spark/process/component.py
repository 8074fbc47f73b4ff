"""A running part of this process (a stream, an archive, a projector, a job), and what it reports of itself.

The part updates its Component as it works, which costs microseconds; a thread of its own writes the Component to
castro.instance (observe/heartbeat.py). To report a new kind of part, create a Component and give it to that thread.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from threading import Lock
from typing import Protocol

from castro_spark.process.histogram import Histogram

_LONGEST_ERROR = 2000


class State(str, Enum):
    """The state of one part in one process."""

    STARTING = "starting"  # a stream: not yet claimed
    RUNNING = "running"
    RESTARTING = "restarting"  # a transient error; no progress since
    STOPPED = "stopped"  # as requested
    DONE = "done"  # its work is finished; with --available-now: everything available was consumed
    FAILED = "failed"  # permanently: not restarted automatically


ALIVE = {State.STARTING, State.RUNNING, State.RESTARTING}


class Mode(str, Enum):
    """Whether a part ends by itself."""

    CONTINUOUS = "continuous"
    AVAILABLE_NOW = "available_now"
    ONCE = "once"  # a job


@cache
def run_id() -> str:
    """Names this process's run: in castro.instance, and in each line of its log."""
    return secrets.token_hex(8)


class Reports(Protocol):
    """What the heartbeat writes: the values of a row of castro.instance (sinks.postgres.operations.instances.beat)."""

    @property
    def kind(self) -> str: ...

    @property
    def stream(self) -> str: ...

    def row(self, application: str) -> dict[str, object]: ...

    def take_times(self) -> dict[str, Histogram]: ...

    def return_times(self, times: Mapping[str, Histogram]) -> None: ...


@dataclass(frozen=True)
class _Seen:
    id: str
    ends: dict[str, int]
    at: float


class Component:
    """One part of this process; `stream` is "" if it belongs to none. Thread-safe."""

    def __init__(self, kind: str, stream: str = "", mode: Mode = Mode.CONTINUOUS) -> None:
        self.kind, self.stream = kind, stream
        self._instance = secrets.token_hex(8)
        self._mode = mode
        self._lock = Lock()
        self._state, self._since = State.STARTING, time.monotonic()
        self._reason: str | None = None
        self._error: str | None = None
        self._last_error: tuple[str, float] | None = None
        self._revision: int | None = None
        self._committed: float | None = None
        self._positions: dict[str, int] | None = None
        self._topic: _Seen | None = None
        self._stages: dict[str, int] | None = None
        self._times: dict[str, Histogram] = {}
        self._progress: dict[str, object] = {}

    @property
    def instance(self) -> str:
        """Names this part in this process."""
        return self._instance

    @property
    def state(self) -> State:
        return self._state

    def running(self) -> None:
        """It works, or works again."""
        self.enter(State.RUNNING)

    def failing(self, reason: str, error: str) -> None:
        """A transient error: it will be retried."""
        self.enter(State.RESTARTING, reason, error)

    def enter(self, state: State, reason: str | None = None, error: str | None = None) -> None:
        """Sets the state; further errors in the same state do not reset its time. Keeps the error as the last one."""
        with self._lock:
            now = time.monotonic()
            if state is not self._state:
                self._since = now
            self._state, self._reason = state, reason
            self._error = error.replace("\0", "")[:_LONGEST_ERROR] if error else None
            if self._error:
                self._last_error = self._error, now

    def progressed(
        self,
        *,
        revision: int | None = None,
        positions: Mapping[int, int] | None = None,
        stages: Mapping[str, float] | None = None,
        **numbers: object,
    ) -> None:
        """How far it is: a revision, next offsets by partition, or numbers of its own; `stages`: seconds by stage of
        the last batch. What is not named stays as it was."""
        with self._lock:
            if revision is not None:
                self._revision, self._committed = revision, time.monotonic()
            if positions is not None:
                self._positions = {str(p): offset for p, offset in positions.items()}
            if stages is not None:
                self._stages = {name: round(seconds * 1000) for name, seconds in stages.items()}
                for name, seconds in stages.items():
                    self._times.setdefault(name, Histogram()).observe(seconds)
            self._progress |= numbers

    def take_times(self) -> dict[str, Histogram]:
        """The durations of the stages since it was last asked: the caller stores them, or returns them."""
        with self._lock:
            times, self._times = self._times, {}
        return times

    def return_times(self, times: Mapping[str, Histogram]) -> None:
        """Takes back what could not be stored."""
        with self._lock:
            for name, histogram in times.items():
                self._times.setdefault(name, Histogram()).add(histogram)

    def saw_topic(self, topic_id: str, ends: Mapping[int, int]) -> None:
        """The brokers' answer: the topic's id, and its end by partition."""
        with self._lock:
            self._topic = _Seen(topic_id, {str(p): end for p, end in ends.items()}, time.monotonic())

    def row(self, application: str) -> dict[str, object]:
        """The values of its row in castro.instance."""
        with self._lock:
            now = time.monotonic()
            topic, error = self._topic, self._last_error
            return {
                "stream": self.stream, "instance": self._instance, "kind": self.kind, "run": run_id(),
                "host": socket.gethostname(), "pid": os.getpid(), "application": application,
                "mode": self._mode.value, "epoch": None, "state": self._state.value, "reason": self._reason,
                "error": self._error, "state_age": now - self._since, "restarts": 0, "restarts_since_commit": 0,
                "revision": self._revision, "commit_age": None if self._committed is None else now - self._committed,
                "positions": self._positions, "topic_id": topic and topic.id, "topic_ends": topic and topic.ends,
                "topic_age": topic and now - topic.at, "stages": self._stages, "progress": self._progress or None,
                "last_error": error and error[0], "last_error_age": error and now - error[1],
            }  # fmt: skip
