"""The page served in this process, at a free port of this machine."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from threading import Thread

import uvicorn

from castro_spark.page.app import application
from castro_spark.settings import Settings
from castro_spark.streams import all_streams
from tests.alerting import wait_until


@dataclass(frozen=True)
class Answer:
    """A response: its status and its text; `words` are the text as a reader sees it, more or less."""

    status: int
    text: str

    @property
    def words(self) -> str:
        return " ".join(unescape(self.text).split())


@dataclass(frozen=True)
class Site:
    """The page at `base`."""

    base: str

    def get(self, path: str, language: str = "en") -> Answer:
        request = urllib.request.Request(self.base + path, headers={"Accept-Language": language})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode())


@contextmanager
def served(settings: Settings) -> Iterator[Site]:
    """Serves these settings' servers until the context ends."""
    config = uvicorn.Config(
        application(settings, list(all_streams().values())), host="127.0.0.1", port=0, log_config=None, ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(f"http://127.0.0.1:{port}")
    finally:
        config.app.state.pulse.close()  # type: ignore[union-attr]
        server.should_exit = True
        thread.join(10)
