"""The `stop` command: requests a running stream, or the loop of `extract --every`, to stop through castro.command, and
executes such requests.

A command names the writer's epoch, so it does not apply to a process that starts later. It does apply to further YARN
attempts of the same application: they are the same submission.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Protocol

from castro_spark.observe.instance import YARN
from castro_spark.process.component import ALIVE, State
from castro_spark.process.user import user_and_host
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.operations import commands
from castro_spark.sinks.postgres.operations.instances import SILENT_SECONDS, current

log = logging.getLogger(__name__)
NOT_RUNNING, SILENT = "not running", "no heartbeat from"  # results of a stream that was not asked
EXTRACT = "extract"  # names the loop of `extract --every` where a stream's name would be
EXTRACT_LOOP = "extract loop"  # its kind in castro.instance
_LOOK_SECONDS = 0.5


class Stoppable(Protocol):
    """A stream, or the loop of `extract --every`, in this process."""

    @property
    def stream(self) -> str: ...

    @property
    def instance(self) -> str: ...

    @property
    def epoch(self) -> int | None: ...

    @property
    def state(self) -> State: ...

    def in_words(self) -> str: ...


class StopCommands:
    """Executes stop commands for what runs in this process, and records their results."""

    def __init__(self, stops: Mapping[str, Event], states: Sequence[Stoppable], application: str) -> None:
        self._stops = stops
        self._states = states
        self._application = application if application.startswith(YARN) else None
        self._accepted: dict[str, set[int]] = {}
        self._begun = False

    def poll(self, connection: Connection) -> None:
        """Takes new commands and finishes executed ones. The heartbeat calls this every second."""
        if not self._begun:
            commands.prune_commands(connection)
            for state in self._states if self._application else ():
                if commands.is_stopped(connection, state.stream, self._application or ""):
                    log.warning("%s: an earlier attempt of this application was asked to stop", _named(state))
                    self._stops[state.stream].set()
            self._begun = True
        for state in self._states:
            accepted = self._accepted.setdefault(state.stream, set())
            for number, by in commands.take_stops(
                connection, state.stream, instance=state.instance, epoch=state.epoch, application=self._application
            ):
                if number not in accepted:
                    log.warning("%s: %s asked to stop it", _named(state), by)
                    accepted.add(number)
                    self._stops[state.stream].set()
            if accepted and state.state not in ALIVE:
                done, result = state.state in (State.STOPPED, State.DONE), state.in_words()
                for number in accepted:
                    commands.finish(connection, number, state.instance, done=done, result=result)
                accepted.clear()


def _named(state: Stoppable) -> str:
    return EXTRACT_LOOP if state.stream == EXTRACT else f"stream {state.stream}"


def stop_streams(connection: Connection, streams: Sequence[str], seconds: float) -> Iterator[tuple[str, bool, str]]:
    """Asks each stream's writer to stop and waits for it. Yields (stream, whether it has stopped, result text).

    EXTRACT among the streams: the loop of `extract --every`.
    """
    asked: dict[str, int] = {}
    by = user_and_host()
    for stream in streams:
        row = current(connection, "", EXTRACT_LOOP) if stream == EXTRACT else current(connection, stream)
        if row is None or State(row["state"]) not in ALIVE:
            yield stream, True, NOT_RUNNING
            continue
        who = f"{row['host']} pid {row['pid']}"
        if row["silent_seconds"] > SILENT_SECONDS:
            silent = f"{SILENT} {who} for {row['silent_seconds']:.0f} s"
            yield stream, False, f"{silent}: end that process if it still exists"
            continue
        yarn = str(row["application"]) if str(row["application"]).startswith(YARN) else None
        asked[stream] = commands.ask_to_stop(
            connection, stream, epoch=row["epoch"], application=yarn, requested_by=by, expires=seconds
        )
    deadline = time.monotonic() + seconds
    while asked:
        for stream, number in list(asked.items()):
            outcome = commands.outcome(connection, number)
            if outcome.is_final or time.monotonic() > deadline:
                del asked[stream]
                result = outcome.result or f"not stopped after {seconds:.0f} s ({outcome.state})"
                yield stream, outcome.state == "done", result
        time.sleep(_LOOK_SECONDS)
