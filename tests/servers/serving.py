"""The web page in a thread of this process, and what it answers."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from threading import Thread

import uvicorn

from castro_spark.page.web.app import application
from castro_spark.settings import Settings
from castro_spark.streams import all_streams

_START_SECONDS = 10


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serves while the block runs; yields the address, as http://127.0.0.1:PORT."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = application(settings, list(all_streams().values()))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3, ws="none"))
    thread = Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the page does not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        app.state.pulse.close()
        server.should_exit = True
        thread.join(_START_SECONDS)


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
    """The page at an address."""

    base: str

    def get(self, path: str, language: str = "en") -> Answer:
        request = urllib.request.Request(self.base + path, headers={"Accept-Language": language})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode())
