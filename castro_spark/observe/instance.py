"""How a stream of this process stands, as castro.instance shows it, and what that says to whoever asks.

A StreamState is told by the stream's supervision and read by the heartbeat (heartbeat.py), so no commit waits for it.
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

_SOUND_SECONDS = 30.0  # a start after a failure counts as running once it has committed, or has lasted this long
_LONGEST_ERROR = 2000


class State(str, Enum):
    """Of one stream in one process."""

    STARTING = "starting"  # not yet claimed
    RUNNING = "running"
    RESTARTING = "restarting"  # it failed by what may pass, and has not got on since
    STOPPED = "stopped"  # as it was asked to
    DONE = "done"  # with --available-now: what was there is consumed
    FAILED = "failed"  # for good: nobody starts it again but people


ALIVE = {State.STARTING, State.RUNNING, State.RESTARTING}


class StreamState:
    """One stream in this process. For use by several threads."""

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
        """What this process has claimed."""
        return self._epoch

    @property
    def state(self) -> State:
        return self._state

    @property
    def restarts_since_commit(self) -> int:
        """Starts again since the last commit."""
        return self._restarts_since_commit

    def claimed(self, epoch: int) -> None:
        """The process is the stream's writer."""
        self._epoch = epoch

    def going(self) -> None:
        """The query runs; after a failure that only counts once it has committed or has lasted for a while."""
        with self._lock:
            if self._state is State.STARTING or time.monotonic() - self._attempt_since > _SOUND_SECONDS:
                self._enter(State.RUNNING)

    def committed(self, revision: int) -> None:
        """A batch is committed."""
        with self._lock:
            self._revision, self._committed, self._restarts_since_commit = revision, time.monotonic(), 0
            self._enter(State.RUNNING)

    def restarting(self, reason: str, error: str) -> None:
        """It failed by what may pass, and will be started again."""
        with self._lock:
            self._restarts += 1
            self._restarts_since_commit += 1
            self._enter(State.RESTARTING, reason, error)

    def begins_again(self) -> None:
        """The pause after a failure is over."""
        with self._lock:
            self._attempt_since = time.monotonic()

    def ended(self, state: State, reason: str | None = None, error: str | None = None) -> None:
        """It is over in this process."""
        with self._lock:
            self._enter(state, reason, error)

    def row(self, application: str) -> dict[str, object]:
        """What castro.instance holds of it now (sinks.postgres.instances.beat)."""
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
        """How it stands, in a line."""
        with self._lock:
            at = f"at revision {self._revision}" if self._revision is not None else "without a commit"
            return f"{self._state.value} {at}" + (f" ({self._reason}): {self._error}" if self._reason else "")

    def _enter(self, state: State, reason: str | None = None, error: str | None = None) -> None:
        if state is not self._state:
            self._since = time.monotonic()  # of trouble: when it began, whatever else went wrong since
        self._state, self._reason = state, reason
        self._error = error.replace("\0", "")[:_LONGEST_ERROR] if error else None


def summary(row: Mapping[str, Any]) -> str:
    """Who runs a stream, or did, and how that stands, in a line."""
    words = f"{row['state']} since {row['state_since']:%Y-%m-%d %H:%M:%S} UTC"
    if row["reason"]:
        words += f" ({row['reason']})"
    words += f", {row['host']} pid {row['pid']}, {row['mode'].replace('_', ' ')}"
    if row["restarts"]:
        words += f", {row['restarts']} restarts, {row['restarts_since_commit']} of them since the last commit"
    return words


def trouble(row: Mapping[str, Any] | None) -> str | None:
    """Why a stream that should run does not, in words; None where it runs, or nobody wants it to.

    `row` is the instance that counts (sinks.postgres.instances.current).
    """
    if row is None:
        return None
    state, who = State(row["state"]), f"{row['host']} pid {row['pid']}"
    since = f"since {row['state_since']:%Y-%m-%d %H:%M:%S} UTC"
    if state is State.FAILED:
        return f"ended {since} ({row['reason']}): {row['error']}"
    if state in ALIVE and row["silent_seconds"] > SILENT_SECONDS:
        return (
            f"no sign of life from {who} for {row['silent_seconds']:.0f} s, when it was {state.value}: it was killed,"
            " is frozen, or cannot reach PostgreSQL"
        )
    if state is State.RESTARTING:
        return f"starts again and again {since} ({row['reason']}): {row['error']}"
    return None
