"""`stop`: asking the streams that run to end, by castro.command, and carrying that out.

The command names the writer's epoch, so a process that is started later is not meant. YARN's further attempts of the
same application are: they are the same submission.
"""

from __future__ import annotations

import getpass
import logging
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Event

from castro_spark.observe.instance import ALIVE, State, StreamState
from castro_spark.sinks.postgres import commands
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.instances import SILENT_SECONDS, current

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_YARN = "application_"  # how its application ids begin; Spark's own are of one process
_RETENTION_DAYS = 30


class StopCommands:
    """Takes the stop commands for the streams of this process, and says what came of them."""

    def __init__(self, stops: Mapping[str, Event], application: str) -> None:
        self._stops = stops
        self._application = application if application.startswith(_YARN) else None
        self._in_hand: dict[str, set[int]] = {}
        self._begun = False

    def poll(self, connection: Connection, states: Sequence[StreamState]) -> None:
        """Called every second by the heartbeat."""
        if not self._begun:
            commands.prune_commands(connection, _RETENTION_DAYS)
            for state in states if self._application else ():
                if commands.is_stopped(connection, state.stream, self._application or ""):
                    log.warning("stream %s: an earlier attempt of this application was asked to stop", state.stream)
                    self._stops[state.stream].set()
            self._begun = True
        for state in states:
            in_hand = self._in_hand.setdefault(state.stream, set())
            for number, by in commands.take_stops(connection, state.stream, state.instance, state.epoch):
                if number not in in_hand:
                    log.warning("stream %s: %s asked to stop it", state.stream, by)
                    in_hand.add(number)
                    self._stops[state.stream].set()
            if in_hand and state.state not in ALIVE:
                done, words = state.state in (State.STOPPED, State.DONE), state.in_words()
                for number in in_hand:
                    commands.finish(connection, number, state.instance, done=done, result=words)
                in_hand.clear()


def stop_streams(connection: Connection, streams: Sequence[str], seconds: float) -> Iterator[tuple[str, bool, str]]:
    """Asks each stream's writer to stop and waits for it: (stream, whether it does not run any more, what happened)."""
    asked: dict[str, int] = {}
    by = f"{getpass.getuser()} at {socket.gethostname()}"
    for stream in streams:
        row = current(connection, stream)
        if row is None or State(row["state"]) not in ALIVE:
            yield stream, True, "nobody runs it"
            continue
        who = f"{row['host']} pid {row['pid']}"
        if row["silent_seconds"] > SILENT_SECONDS:
            silent = f"no sign of life from {who} for {row['silent_seconds']:.0f} s"
            yield stream, False, f"{silent}: if that process still is there, end it"
            continue
        yarn = str(row["application"]) if str(row["application"]).startswith(_YARN) else None
        asked[stream] = commands.ask_to_stop(
            connection, stream, epoch=row["epoch"], application=yarn, requested_by=by, expires=seconds
        )
    deadline = time.monotonic() + seconds
    while asked:
        for stream, number in list(asked.items()):
            found = commands.outcome(connection, number)
            if found.is_final or time.monotonic() > deadline:
                del asked[stream]
                words = found.result or f"not stopped after {seconds:.0f} s ({found.state})"
                yield stream, found.state == "done", words
        time.sleep(_LOOK_SECONDS)
