"""Serves the commands of castro.command (actions.py) in threads of its own, beside streams or alone (`commands run`).

Guarantee: a command is executed by one process at a time, under a lease that is renewed every second. If that process
dies, another one repeats the command. Every command gets a result.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Thread

from castro_spark.batch.actions import ACTIONS, action
from castro_spark.component import run_id
from castro_spark.errors import first_line, in_words
from castro_spark.settings import Settings
from castro_spark.sinks.postgres import commands
from castro_spark.sinks.postgres.commands import Command
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect

log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_END_SECONDS = 20.0
_LAST_POLL_SECONDS = 0.1


class CommandServer:
    """Context manager: serves while the block runs. Exit waits some seconds for the command that is being executed;
    one that takes longer is repeated by another process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._current: tuple[Command, Future[str]] | None = None
        self._stopping = Event()
        self._trouble = ""
        self._thread = Thread(target=self._run, name="castro commands", daemon=True)
        self.served = 0

    def __enter__(self) -> CommandServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_END_SECONDS)

    def serve_waiting(self) -> None:
        """Serves what waits now, and returns; for use without entering."""
        self._poll()
        while self._current is not None:
            with suppress(Exception):  # `_finish` records it
                self._current[1].result(_POLL_SECONDS)
            self._poll()
        self._disconnect()

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS) or self._current is not None:
            if self._stopping.is_set():
                time.sleep(_LAST_POLL_SECONDS)
            try:
                self._poll()
            except Exception as error:  # noqa: BLE001 - it is retried as long as the process lives
                self._log_trouble(first_line(error))
                self._disconnect()
                if self._stopping.is_set():
                    break
            else:
                self._log_trouble("")
        self._disconnect()

    def _poll(self) -> None:
        if self._connection is None:
            self._connection = connect(self._settings.postgres, "castro_spark commands")
        commands.expire(self._connection)
        if self._current is not None:
            command, running = self._current
            commands.renew(self._connection, command.id, run_id())
            if not running.done():
                return
            self._finish(self._connection, command, running)
        if self._stopping.is_set():
            return
        taken = commands.take(self._connection, run_id(), tuple(ACTIONS))
        if taken is not None:
            log.info("command %d: %s %s, requested by %s", taken.id, taken.action, taken.arguments, taken.requested_by)
            done: Future[str] = Future()
            self._current = taken, done
            # A daemon thread: a long command does not delay the end of the process; another process repeats it.
            Thread(target=self._execute, args=(taken, done), name="castro command", daemon=True).start()

    def _execute(self, command: Command, done: Future[str]) -> None:
        try:
            done.set_result(action(command.action, command.arguments).run(self._settings))
        except BaseException as error:  # noqa: BLE001 - it is the command's result
            done.set_exception(error)

    def _finish(self, connection: Connection, command: Command, running: Future[str]) -> None:
        error = running.exception()
        result = running.result() if error is None else in_words(error)
        commands.finish(connection, command.id, run_id(), done=error is None, result=result)
        self._current = None
        self.served += 1
        log.log(logging.INFO if error is None else logging.WARNING, "command %d: %s", command.id, result)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*PASSING):
                connection.close()

    def _log_trouble(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("commands are not served: %s; it is retried", trouble)
        elif self._trouble and not trouble:
            log.warning("commands are served again")
        self._trouble = trouble
