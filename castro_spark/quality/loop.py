"""Runs the checks beside the streams, every quality.every_seconds, in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

from castro_spark.errors import first_line
from castro_spark.process.component import Component, State
from castro_spark.quality.result import Result
from castro_spark.quality.run import Note, failed, run_checks
from castro_spark.settings import Settings
from castro_spark.sources.kafka.ends import Topics
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_END_SECONDS = 5.0


class QualityLoop:
    """Context manager: runs the checks until exit; nothing if quality.every_seconds is 0 or `enabled` is false.

    No error here ends or delays a stream: it is logged, and the next run comes after the interval. A failure is logged
    when it begins, and its end too. Exit waits a few seconds for a check under way; the results of an unfinished run
    are not stored.
    """

    def __init__(
        self,
        settings: Settings,
        streams: Sequence[StreamDeclaration],
        topics: Callable[[], Topics],
        note: Note | None = None,
        *,
        enabled: bool = True,
    ) -> None:
        self._on = enabled and settings.quality.every_seconds > 0
        self._component = Component("quality loop")  # `quality` is the job
        self._settings = settings
        self._streams = streams
        self._topics = topics
        self._note = note
        self._failing: dict[tuple[str, str], str] = {}
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="castro quality", daemon=True)

    @property
    def components(self) -> list[Component]:
        """What it reports of itself; nothing if it does nothing."""
        return [self._component] if self._on else []

    def __enter__(self) -> QualityLoop:
        if self._on:
            self._component.running()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._on:
            self._thread.join(_END_SECONDS)
            self._component.enter(State.STOPPED)

    def _run(self) -> None:
        # Not at once: a stream that starts with a backlog is late for a moment.
        while not self._stopping.wait(self._settings.quality.every_seconds):
            began = time.monotonic()
            try:
                results = run_checks(
                    self._settings, self._streams, self._topics(), note=self._note, stopping=self._stopping
                )
            except Exception as error:  # noqa: BLE001 - no error here may end a stream
                log.warning("the quality checks did not run: %s; it is retried", first_line(error))
                self._component.failing("retrying", first_line(error))
            else:
                if not self._stopping.is_set():
                    self._report(results, time.monotonic() - began)

    def _report(self, results: Sequence[Result], seconds: float) -> None:
        failing = {(r.check, r.subject): r.words for r in results if failed(r, self._settings)}
        self._component.progressed(stages={"checked": seconds}, results=len(results), failed=len(failing))
        self._component.running()
        for key, words in failing.items():
            if key not in self._failing:
                log.warning("quality: %s of %s fails: %s", *key, words)
        for key in self._failing.keys() - failing.keys():
            log.warning("quality: %s of %s no longer fails", *key)
        self._failing = failing
