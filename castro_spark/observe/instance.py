"""The state of a stream in this process, as stored in castro.instance, and its description for `status`.

The stream's supervision updates a StreamState, and the heartbeat (heartbeat.py) reads it, so no commit waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from castro_spark.counted import counted
from castro_spark.process.component import ALIVE, Component, Mode, State
from castro_spark.process.histogram import Histogram
from castro_spark.sinks.postgres.operations.instances import SILENT_SECONDS

YARN = "application_"  # prefix of YARN's application ids; Spark's other ids belong to one process
_SOUND_SECONDS = 30.0  # after a failure, a stream counts as running once it has committed or has run this long


class StreamState:
    """One stream in this process: its component, and the rules by which it counts as running. Thread-safe."""

    kind = "stream"

    def __init__(self, stream: str, *, available_now: bool) -> None:
        self.stream = stream
        self.component = Component(self.kind, stream, Mode.AVAILABLE_NOW if available_now else Mode.CONTINUOUS)
        self._lock = Lock()
        self._attempt_since = time.monotonic()
        self._epoch: int | None = None
        self._restarts = self._restarts_since_commit = 0

    @property
    def instance(self) -> str:
        return self.component.instance

    @property
    def epoch(self) -> int | None:
        """The epoch that this process has claimed; None before the claim."""
        return self._epoch

    @property
    def state(self) -> State:
        return self.component.state

    @property
    def restarts_since_commit(self) -> int:
        """Restarts since the last commit."""
        return self._restarts_since_commit

    def claimed(self, epoch: int) -> None:
        """The process has become the stream's writer."""
        self._epoch = epoch

    def going(self) -> None:
        """The query runs. After a failure this counts only once it has committed or has run for _SOUND_SECONDS."""
        with self._lock:
            if self.state is State.STARTING or time.monotonic() - self._attempt_since > _SOUND_SECONDS:
                self.component.running()

    def committed(
        self, revision: int, stages: Mapping[str, float] | None = None, batch_id: int | None = None
    ) -> None:
        """A batch is committed; `stages`: its seconds by stage."""
        with self._lock:
            self._restarts_since_commit = 0
            self.component.progressed(revision=revision, stages=stages, batch_id=batch_id)
            self.component.running()

    def restarting(self, reason: str, error: str) -> None:
        """A transient error ended the run; the stream will be restarted."""
        with self._lock:
            self._restarts += 1
            self._restarts_since_commit += 1
            self.component.failing(reason, error)

    def begins_again(self) -> None:
        """The wait after a failure is over: the next run starts."""
        with self._lock:
            self._attempt_since = time.monotonic()

    def ended(self, state: State, reason: str | None = None, error: str | None = None) -> None:
        """The stream has ended in this process."""
        self.component.enter(state, reason, error)

    def row(self, application: str) -> dict[str, object]:
        """The values of its row in castro.instance (sinks.postgres.operations.instances.beat)."""
        with self._lock:
            return {
                **self.component.row(application), "epoch": self._epoch, "restarts": self._restarts,
                "restarts_since_commit": self._restarts_since_commit,
            }  # fmt: skip

    def take_times(self) -> dict[str, Histogram]:
        """As Component.take_times."""
        return self.component.take_times()

    def return_times(self, times: Mapping[str, Histogram]) -> None:
        """As Component.return_times."""
        self.component.return_times(times)

    def in_words(self) -> str:
        """The state in one line."""
        row = self.row("")
        at = f"at revision {row['revision']}" if row["revision"] is not None else "without a commit"
        return f"{row['state']} {at}" + (f" ({row['reason']}): {row['error']}" if row["reason"] else "")


def summary(row: Mapping[str, Any]) -> str:
    """One line: a part's state, and the process that runs it or ran it last."""
    line = f"{row['state']} since {row['state_since']:%Y-%m-%d %H:%M:%S} UTC"
    if row["reason"]:
        line += f" ({row['reason']})"
    line += f", {row['host']} pid {row['pid']}, {row['mode'].replace('_', ' ')}"
    if row["restarts"]:
        line += f", {counted(row['restarts'], 'restart')}, {row['restarts_since_commit']} of them since the last commit"
    return line


def trouble(row: Mapping[str, Any] | None) -> str | None:
    """Why a stream that should run does not; None if it runs, or is not meant to run.

    `row` is the current instance (sinks.postgres.operations.instances.current).
    """
    if row is None:
        return None
    state = State(row["state"])
    since = f"since {row['state_since']:%Y-%m-%d %H:%M:%S} UTC"
    if state is State.FAILED:
        return f"ended {since} ({row['reason']}): {row['error']}"
    if is_silent(row):
        return (
            f"no heartbeat from {row['host']} pid {row['pid']} for {row['silent_seconds']:.0f} s (last state:"
            f" {state.value}): it was killed, is frozen, or cannot reach PostgreSQL"
        )
    if state is State.RESTARTING:
        return f"restarting repeatedly {since} ({row['reason']}): {row['error']}"
    return None


def is_silent(row: Mapping[str, Any]) -> bool:
    """Whether a part that has not ended has no recent heartbeat."""
    return State(row["state"]) in ALIVE and row["silent_seconds"] > SILENT_SECONDS
