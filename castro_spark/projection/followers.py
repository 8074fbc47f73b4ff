"""Runs the projectors of a process: one thread each, and a last step before the process ends.

A projector can neither fail nor delay the jobs beside it. Errors are logged once, recorded for `status`, and retried
as long as the process lives.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from threading import Event, Thread
from typing import Protocol

import psycopg2
import redis

from castro_spark.errors import first_line
from castro_spark.process.component import Component, State
from castro_spark.process.logs import log_fields
from castro_spark.projection.last_sync import LastSyncProjector
from castro_spark.projection.projector import Step, StreamProjector
from castro_spark.settings import Settings
from castro_spark.sinks.redis.hashes import Superseded
from castro_spark.sinks.redis.trouble import in_words
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_MANY = 10_000  # keys: after a step of more the follower pauses, so that commits are published together
_REST = 3  # times the duration of the step
_LONGEST_REST, _LONGEST_WAIT = 2.0, 5.0  # seconds: between two steps, and between two retries
# Within a backlog every commit changes most products anew, of records that have waited longer than this already.
_LONGEST_BACKLOG_REST = 6.0
_CHECK_SECONDS = 0.1


class Projector(Protocol):
    """Publishes some committed state to Redis, step by step."""

    @property
    def stream(self) -> str: ...

    def step(self) -> Step: ...

    def fail(self, error_text: str) -> None: ...

    def close(self) -> None: ...


class Follower:
    """Runs a projector in its own thread. The first step runs at once, so that changes missed by an earlier run are
    published."""

    def __init__(self, settings: Settings, projector: Projector) -> None:
        self._settings = settings
        self._projector = projector
        self.component = Component("projector", projector.stream)
        self._published: tuple[int, int] | None = None
        self._wake_up, self._ending = Event(), Event()
        self._backlog_over = Event()  # no commit follows at once
        self._backlog_over.set()
        self._trouble = ""
        self._thread = Thread(target=self._run, name=f"castro projection {projector.stream}", daemon=True)

    @property
    def stream(self) -> str:
        return self._projector.stream

    def start(self) -> None:
        self._thread.start()

    def wake(self, *, more_follow: bool) -> None:
        """Signals that there is a commit to publish, and whether more of a backlog follow; returns at once."""
        if more_follow:
            self._backlog_over.clear()
        else:
            self._backlog_over.set()
        self._wake_up.set()

    def end(self) -> str:
        """Publishes what is committed now, or waits for the process that projects (projection.wait_seconds).

        May be called without `start`. Returns "" or, if Redis is behind, an error text."""
        self._ending.set()
        self._wake_up.set()
        self._backlog_over.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            problem = self._last_steps()
        finally:
            self._projector.close()
        self.component.enter(State.STOPPED, "behind" if problem else None, problem)
        return problem

    def _run(self) -> None:
        wait = self._settings.projection.poll_seconds
        while not self._ending.is_set():
            self._wake_up.clear()
            began = time.monotonic()
            if (step := self._step()) is not None:
                wait = self._settings.projection.poll_seconds
                if step.written > _MANY:
                    self._rest(began)
                self._wake_up.wait(wait)
            else:
                self._ending.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    def _rest(self, began: float) -> None:
        """Rests after a large step that began then: shortly, and until the backlog is over if there is one."""
        self._ending.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST))
        self._backlog_over.wait(began + _LONGEST_BACKLOG_REST - time.monotonic())

    def _step(self) -> Step | None:
        """Runs one step. Returns None if it failed; the first of consecutive failures is logged."""
        with log_fields(stream=self.stream, part=self.component.kind):
            return self._try_step()

    def _try_step(self) -> Step | None:
        began = time.monotonic()
        try:
            step = self._projector.step()
        except Superseded:
            return None  # by another process; the next step reads what it wrote
        except redis.RedisError as error:
            self._fail(in_words(error, self._settings.redis))
            return None
        except psycopg2.Error as error:
            self._fail(f"PostgreSQL: {first_line(error)}")
            return None
        except Exception as error:  # noqa: BLE001 - no error here may end a stream
            self._fail(f"{type(error).__name__}: {first_line(error)}")
            return None
        if self._trouble:
            log.warning("%s: publishing to Redis again", self.stream)
        self._trouble = ""
        self._report(step, time.monotonic() - began)
        return step

    def _report(self, step: Step, seconds: float) -> None:
        self.component.running()
        self.component.progressed(projects=step.projects)
        if step.written:
            self.component.progressed(stages={"published": seconds}, keys=step.written)
        if step.projects and step.published is not None and step.published != self._published:
            self._published = step.published
            self.component.progressed(revision=step.published[1])

    def _fail(self, error_text: str) -> None:
        if not self._trouble:
            log.warning("%s: not published: %s; commits continue, publishing is retried", self.stream, error_text)
        self._trouble = error_text
        self.component.failing("retrying", error_text)
        try:
            self._projector.fail(error_text)
        except Exception as error:  # noqa: BLE001 - as above
            log.debug("%s: %s", self.stream, first_line(error))

    def _last_steps(self) -> str:
        deadline = time.monotonic() + self._settings.projection.wait_seconds
        target: tuple[int, int] | None = None
        while True:
            step = self._step()
            if step is None and self._trouble:
                return f"{self.stream}: Redis is behind: {self._trouble}"
            if step is not None:
                target = target or step.committed  # this process made no later commits
                if step.is_level or (target and not step.work_left and step.published and step.published >= target):
                    return ""
            if time.monotonic() > deadline:
                return f"{self.stream}: Redis is behind: the process that projects it has not caught up yet"
            time.sleep(_CHECK_SECONDS)


class Followers:
    """The followers of one process. Context manager: projects the streams while the block runs; on exit publishes
    everything that it committed."""

    def __init__(self, settings: Settings, streams: Sequence[StreamDeclaration], *, last_sync: bool) -> None:
        self._by_stream = {s.name: Follower(settings, StreamProjector(settings, s)) for s in streams}
        if last_sync:
            self._by_stream[LastSyncProjector.NAME] = Follower(settings, LastSyncProjector(settings))

    @property
    def components(self) -> list[Component]:
        return [follower.component for follower in self._by_stream.values()]

    def __enter__(self) -> Followers:
        for follower in self._by_stream.values():
            follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def wake(self, stream: str, *, more_follow: bool) -> None:
        """Signals that `stream` has committed, and whether more of a backlog follow; returns at once."""
        self._by_stream[stream].wake(more_follow=more_follow)

    def end(self) -> list[str]:
        """Brings Redis up to date with what is committed. Logs and returns an error text for each stream behind."""
        behind = [error_text for follower in self._by_stream.values() if (error_text := follower.end())]
        for error_text in behind:
            log.warning("%s; the next process that projects publishes it", error_text)
        return behind


def following(settings: Settings, streams: Sequence[StreamDeclaration], *, last_sync: bool = False) -> Followers:
    """Projects the streams while the block runs; on exit publishes everything that it committed."""
    return Followers(settings, streams, last_sync=last_sync)
