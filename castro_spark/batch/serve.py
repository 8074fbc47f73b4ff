"""Serves the commands of castro.command (actions.py): polled by the heartbeat of a process, executed in another thread.

Guarantee: one process at a time executes a command, under a lease that each poll renews. If that process ends first,
another one repeats the command. Every command gets a result.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, wait
from threading import Event, Thread

from castro_spark.batch.actions import ACTIONS, action
from castro_spark.errors import in_words
from castro_spark.process.component import run_id
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.operations import commands
from castro_spark.sinks.postgres.operations.commands import Command

log = logging.getLogger(__name__)


class CommandServer:
    """Serves one command at a time; takes none once `stopping` is set. Not thread-safe."""

    def __init__(self, settings: Settings, stopping: Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._current: tuple[Command, Future[str]] | None = None
        self._begun = False
        self.served = 0

    @property
    def is_idle(self) -> bool:
        """Whether the last poll found nothing to do."""
        return self._current is None

    def wait(self, seconds: float) -> None:
        """Waits until the current command is executed; the next poll records its result."""
        if self._current is not None:
            wait([self._current[1]], seconds)

    def poll(self, connection: Connection) -> None:
        """Records the result of what is executed, and takes the next command. To be called every second."""
        if not self._begun:
            commands.prune_commands(connection)
            self._begun = True
        commands.expire(connection)
        if self._current is not None:
            command, done = self._current
            commands.renew(connection, command.id, run_id())
            if not done.done():
                return
            self._finish(connection, command, done)
        if self._stopping.is_set():
            return
        taken = commands.take(connection, run_id(), tuple(ACTIONS))
        if taken is not None:
            log.info("command %d: %s %s, requested by %s", taken.id, taken.action, taken.arguments, taken.requested_by)
            done = Future()
            self._current = taken, done
            # A daemon thread: a long command does not delay the end of the process.
            Thread(target=self._execute, args=(taken, done), name="castro command", daemon=True).start()

    def _execute(self, command: Command, done: Future[str]) -> None:
        try:
            done.set_result(action(command.action, command.arguments).run(self._settings, command.requested_by))
        except BaseException as error:  # noqa: BLE001 - it is the command's result
            done.set_exception(error)

    def _finish(self, connection: Connection, command: Command, done: Future[str]) -> None:
        error = done.exception()
        result = done.result() if error is None else in_words(error)
        commands.finish(connection, command.id, run_id(), done=error is None, result=result)
        self._current = None
        self.served += 1
        log.log(logging.INFO if error is None else logging.WARNING, "command %d: %s", command.id, result)
