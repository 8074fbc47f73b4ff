"""Streams that run in a thread of this process until they are stopped: the job `stream`, but for its command line."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread

from castro_spark.errors import first_line
from castro_spark.session import spark_session
from castro_spark.settings import load_settings
from castro_spark.streaming.application import run_streams
from castro_spark.streams import stream as stream_named
from tests import engine

_END_SECONDS = 60


class RunningStreams:
    """Running from now on."""

    def __init__(self, conf: Path, env: Mapping[str, str], names: Sequence[str]) -> None:
        settings = load_settings(conf_file=conf, environ=env)
        self._stopping = Event()
        self._error: BaseException | None = None
        self._log = engine.Log()
        self._log.open()
        with engine.default_session():
            spark = spark_session("stream", delta=settings.archive.dir is not None)

        def run() -> None:
            try:
                run_streams(
                    spark, settings, [stream_named(name) for name in names], available_now=False, accept_new_topic=False,
                    stopping=self._stopping, report=lambda *_: None,
                )  # fmt: skip
            except BaseException as error:  # noqa: BLE001 - for `stop`
                self._error = error
            finally:
                self._log.close()

        self._thread = Thread(target=run, name="streams", daemon=True)
        self._thread.start()

    def running(self) -> bool:
        return self._thread.is_alive()

    def log(self) -> str:
        """What was logged while it ran, with the error that ended it."""
        return self._log.text() + (f"error: {first_line(self._error)}" if self._error else "")

    def wait_for_log(self, words: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.log():
            assert time.monotonic() < deadline, f"no {words!r} after {seconds} s\n{self.log()}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stops it as SIGTERM does, and it must end well."""
        self._stopping.set()
        self._thread.join(_END_SECONDS)
        assert not self.running(), f"it does not end\n{self.log()}"
        assert self._error is None, self.log()

    def abandon(self) -> None:
        """Stops it whatever becomes of it: for the end of a test that may have failed."""
        self._stopping.set()
        self._thread.join(_END_SECONDS)
