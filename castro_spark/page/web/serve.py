"""Serves the page until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn
from pydantic import ValidationError

from castro_spark.errors import UsageError
from castro_spark.page.web.app import application
from castro_spark.sections.page import PageSettings
from castro_spark.settings import Settings
from castro_spark.streams.declaration import StreamDeclaration

_GRACE_SECONDS = 3  # for answers under way; streams of events are ended at once


class _Server(uvicorn.Server):
    """Ends the streams of events with the first signal, else each would hold the end up. The exit status is 0."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        del frame
        self.config.app.state.pulse.close()  # type: ignore[union-attr]
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def elsewhere(settings: Settings, address: str | None, port: int | None) -> Settings:
    """The settings with another address or port. Raises UsageError if the page would be open to all."""
    asked = {"address": address, "port": port}
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        page = PageSettings.model_validate({**settings.page.model_dump(), **given})
    except ValidationError as error:
        words = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"page: {words}") from None
    return settings.model_copy(update={"page": page})


def serve(settings: Settings, streams: Sequence[StreamDeclaration], ready: Callable[[str], None]) -> None:
    """Serves until a signal; `ready` is given the address once it is bound. Raises UsageError if it cannot be."""
    page = settings.page
    listening = _listening(page.address, page.port)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        application(settings, streams),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        loop="asyncio",
        http="h11",
        ws="none",
    )
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    with listening:
        ready(f"http://{shown}:{port}/")
        _Server(config).run([listening])


def _listening(address: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(128)
    except OSError as error:
        raise UsageError(
            f"page: cannot listen at {address} port {port}: {error.strerror or error}",
            "name another page.port or page.address (or --port, --address)",
        ) from None
    return listening
