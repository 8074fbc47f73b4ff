"""The state of a stream in this process, as stored in castro.instance, and its description for `status`.

The stream's supervision updates a StreamState, and the heartbeat (heartbeat.py) reads it, so no commit waits for it.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping
from enum import Enum
from threading import Lock
from typing import Any

from castro_spark.sinks.postgres.instances import SILENT_SECONDS

YARN = "application_"  # prefix of YARN's application ids; Spark's other ids belong to one process
_SOUND_SECONDS = 30.0  # after a failure, a stream counts as running once it has committed or has run this long
_LONGEST_ERROR = 2000


class State(str, Enum):
    """The state of one stream in one process."""

    STARTING = "starting"  # not yet claimed
    RUNNING = "running"
    RESTARTING = "restarting"  # a transient error; no progress since
    STOPPED = "stopped"  # as requested
    DONE = "done"  # with --available-now: everything available was consumed
    FAILED = "failed"  # permanently: not restarted automatically


ALIVE = {State.STARTING, State.RUNNING, State.RESTARTING}


class StreamState:
    """One stream in this process. Thread-safe."""

    def __init__(self, stream: str, *, available_now: bool) -> None:
        self.stream = stream
        self.instance = secrets.token_hex(8)
        self._mode = "available_now" if available_now else "continuous"
        self._lock = Lock()
        self._state = State.STARTING
        self._since = self._attempt_since = time.monotonic()
        self._reason: str | None = None
        self._error: str | None = None
        self._epoch: int | None = None
        self._restarts = self._restarts_since_commit = 0
        self._revision: int | None = None
        self._committed: float | None = None

    @property
    def epoch(self) -> int | None:
        """The epoch that this process has claimed; None before the claim."""
        return self._epoch

    @property
    def state(self) -> State:
        return self._state

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
            if self._state is State.STARTING or time.monotonic() - self._attempt_since > _SOUND_SECONDS:
                self._enter(State.RUNNING)

    def committed(self, revision: int) -> None:
        """A batch is committed."""
        with self._lock:
            self._revision, self._committed, self._restarts_since_commit = revision, time.monotonic(), 0
            self._enter(State.RUNNING)

    def restarting(self, reason: str, error: str) -> None:
        """A transient error ended the run; the stream will be restarted."""
        with self._lock:
            self._restarts += 1
            self._restarts_since_commit += 1
            self._enter(State.RESTARTING, reason, error)

    def begins_again(self) -> None:
        """The wait after a failure is over: the next run starts."""
        with self._lock:
            self._attempt_since = time.monotonic()

    def ended(self, state: State, reason: str | None = None, error: str | None = None) -> None:
        """The stream has ended in this process."""
        with self._lock:
            self._enter(state, reason, error)

    def row(self, application: str) -> dict[str, object]:
        """The values of its row in castro.instance (sinks.postgres.instances.beat)."""
        with self._lock:
            now = time.monotonic()
            return {
                "stream": self.stream, "instance": self.instance, "host": socket.gethostname(), "pid": os.getpid(),
                "application": application, "mode": self._mode, "epoch": self._epoch, "state": self._state.value,
                "reason": self._reason, "error": self._error, "state_age": now - self._since,
                "restarts": self._restarts, "restarts_since_commit": self._restarts_since_commit,
                "revision": self._revision, "commit_age": None if self._committed is None else now - self._committed,
            }  # fmt: skip

    def in_words(self) -> str:
        """The state in one line."""
        with self._lock:
            at = f"at revision {self._revision}" if self._revision is not None else "without a commit"
            return f"{self._state.value} {at}" + (f" ({self._reason}): {self._error}" if self._reason else "")

    def _enter(self, state: State, reason: str | None = None, error: str | None = None) -> None:
        if state is not self._state:
            self._since = time.monotonic()  # further errors in the same state do not reset it
        self._state, self._reason = state, reason
        self._error = error.replace("\0", "")[:_LONGEST_ERROR] if error else None


def summary(row: Mapping[str, Any]) -> str:
    """One line: a stream's state, and the process that runs it or ran it last."""
    line = f"{row['state']} since {row['state_since']:%Y-%m-%d %H:%M:%S} UTC"
    if row["reason"]:
        line += f" ({row['reason']})"
    line += f", {row['host']} pid {row['pid']}, {row['mode'].replace('_', ' ')}"
    if row["restarts"]:
        line += f", {row['restarts']} restarts, {row['restarts_since_commit']} of them since the last commit"
    return line


def trouble(row: Mapping[str, Any] | None) -> str | None:
    """Why a stream that should run does not; None if it runs, or is not meant to run.

    `row` is the current instance (sinks.postgres.instances.current).
    """
    if row is None:
        return None
    state, who = State(row["state"]), f"{row['host']} pid {row['pid']}"
    since = f"since {row['state_since']:%Y-%m-%d %H:%M:%S} UTC"
    if state is State.FAILED:
        return f"ended {since} ({row['reason']}): {row['error']}"
    if state in ALIVE and row["silent_seconds"] > SILENT_SECONDS:
        return (
            f"no heartbeat from {who} for {row['silent_seconds']:.0f} s (last state: {state.value}): it was killed,"
            " is frozen, or cannot reach PostgreSQL"
        )
    if state is State.RESTARTING:
        return f"restarting repeatedly {since} ({row['reason']}): {row['error']}"
    return None
