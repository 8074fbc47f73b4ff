"""The projectors of a process: a thread each while it runs, and a last step before it ends.

Nothing here can end what it runs beside, or hold it up: what goes wrong is logged once, noted for `status`, and tried
again for as long as the process lives.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol

import psycopg2
import redis

from castro_spark.errors import first_line
from castro_spark.projection.last_sync import LastSyncProjector
from castro_spark.projection.projector import Step, StreamProjector
from castro_spark.settings import Settings
from castro_spark.sinks.redis.hashes import Superseded
from castro_spark.sinks.redis.trouble import in_words
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_MANY = 2_000  # keys of a step: then it rests, and commits that come meanwhile are published together
_REST = 2  # times as long as the step took
_LONGEST_REST, _LONGEST_WAIT = 1.0, 5.0  # seconds; between two steps, and between two tries
_LOOK_SECONDS = 0.1


class Projector(Protocol):
    """What follows some committed state into Redis, a step at a time."""

    @property
    def stream(self) -> str: ...

    def step(self) -> Step: ...

    def fail(self, words: str) -> None: ...

    def close(self) -> None: ...


class Follower:
    """Runs a projector in a thread of its own; the first step is made at once, so nothing of an earlier run is lost."""

    def __init__(self, settings: Settings, projector: Projector) -> None:
        self._settings = settings
        self._projector = projector
        self._news, self._ending = Event(), Event()
        self._trouble = ""
        self._thread = Thread(target=self._run, name=f"castro projection {projector.stream}", daemon=True)

    @property
    def stream(self) -> str:
        return self._projector.stream

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is a commit to be published; returns at once."""
        self._news.set()

    def end(self) -> str:
        """Projects what is committed now, or waits a while for the process that projects; also without `start` before.

        Returns what is left undone, in words, and "" if nothing is."""
        self._ending.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            return self._last_steps()
        finally:
            self._projector.close()

    def _run(self) -> None:
        wait = self._settings.projection.poll_seconds
        while not self._ending.is_set():
            self._news.clear()
            began = time.monotonic()
            if (step := self._step()) is not None:
                wait = self._settings.projection.poll_seconds
                if step.written > _MANY:
                    self._ending.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST))
                self._news.wait(wait)
            else:
                self._ending.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    def _step(self) -> Step | None:
        """One step; None where it failed, which is logged when it begins."""
        try:
            step = self._projector.step()
        except Superseded:
            return None  # by another process; the next step sees what that wrote
        except redis.RedisError as error:
            self._fail(in_words(error))
            return None
        except psycopg2.Error as error:
            self._fail(f"PostgreSQL: {first_line(error)}")
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, no stream may end by it
            self._fail(f"{type(error).__name__}: {first_line(error)}")
            return None
        if self._trouble:
            log.warning("%s: Redis follows again", self.stream)
        self._trouble = ""
        return step

    def _fail(self, words: str) -> None:
        if not self._trouble:
            log.warning("%s: not published: %s; commits go on, Redis is made good later", self.stream, words)
        self._trouble = words
        try:
            self._projector.fail(words)
        except Exception as error:  # noqa: BLE001 - as above
            log.debug("%s: %s", self.stream, first_line(error))

    def _last_steps(self) -> str:
        deadline = time.monotonic() + self._settings.projection.wait_seconds
        wanted: tuple[int, int] | None = None
        while True:
            step = self._step()
            if step is None and self._trouble:
                return f"{self.stream}: Redis is behind: {self._trouble}"
            if step is not None:
                wanted = wanted or step.committed  # later commits are not this process's
                if step.is_level or (wanted and not step.work_left and step.published and step.published >= wanted):
                    return ""
            if time.monotonic() > deadline:
                return f"{self.stream}: Redis is behind: the process that projects it has not come to the end yet"
            time.sleep(_LOOK_SECONDS)


class Followers:
    """The followers of one process."""

    def __init__(self, settings: Settings, streams: Sequence[StreamDeclaration], *, last_sync: bool) -> None:
        self._of = {s.name: Follower(settings, StreamProjector(settings, s)) for s in streams}
        if last_sync:
            self._of[LastSyncProjector.NAME] = Follower(settings, LastSyncProjector(settings))

    def start(self) -> None:
        for follower in self._of.values():
            follower.start()

    def wake(self, stream: str) -> None:
        """Says that `stream` has committed; returns at once."""
        self._of[stream].wake()

    def end(self) -> list[str]:
        """Brings Redis level with what is committed; says what is left undone, in the log and to the caller."""
        behind = [words for follower in self._of.values() if (words := follower.end())]
        for words in behind:
            log.warning("%s; whatever projects next makes it good", words)
        return behind


@contextmanager
def following(
    settings: Settings, streams: Sequence[StreamDeclaration], *, last_sync: bool = False
) -> Iterator[Followers]:
    """Projects the streams while the block runs, and up to all that it committed before it is left."""
    followers = Followers(settings, streams, last_sync=last_sync)
    followers.start()
    try:
        yield followers
    finally:
        followers.end()
