"""Server-sent events. An event says only that something is new; the browser then asks for its page again.

So nothing depends on an event: after a lost one, a sleep or a new connection the next answer is right. PostgreSQL is
asked once for all browsers, and only while one looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from castro_spark.page.reading.database import Database
from castro_spark.page.reading.trouble import Trouble

_STILL_SECONDS = 15.0  # so that proxies keep the connection, and a browser notices that it is gone
_RETRY_MILLISECONDS = 2000
_EVENTS = "text/event-stream"
log = logging.getLogger(__name__)


class Pulse:
    """Notices changes. Its methods but `close` belong to the event loop."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database, self._seconds = database, seconds
        self._listeners: set[asyncio.Event] = set()
        self._wanted = asyncio.Event()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to watch, once somebody looks."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._watch())

    def close(self) -> None:
        """Ends every stream of events; from any thread, or a signal's handler."""
        self._closed = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    def tell(self) -> None:
        """Something is new that PostgreSQL's state does not show; from any thread."""
        if self._loop is not None and not self._closed:
            self._loop.call_soon_threadsafe(self._wake)

    async def stop(self) -> None:
        """Ends the watch."""
        self._closed = True
        self._wake()
        if self._task is not None:
            self._task.cancel()

    async def events(self) -> AsyncIterator[bytes]:
        """The events of one browser."""
        news = asyncio.Event()
        self._listeners.add(news)
        self._wanted.set()
        try:
            yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
            while not self._closed:
                try:
                    await asyncio.wait_for(news.wait(), _STILL_SECONDS)
                except asyncio.TimeoutError:
                    yield b"event: still\ndata: -\n\n"
                    continue
                news.clear()
                if not self._closed:
                    yield b"event: news\ndata: -\n\n"
        finally:
            self._listeners.discard(news)
            if not self._listeners:
                self._wanted.clear()

    def _wake(self) -> None:
        for news in self._listeners:
            news.set()

    async def _watch(self) -> None:
        last: Any = None
        while not self._closed:
            await self._wanted.wait()
            state = await run_in_threadpool(self._state)
            if state != last:
                last = state
                self._wake()
            await asyncio.sleep(self._seconds)

    def _state(self) -> Any:
        try:
            with self._database.snapshot() as snapshot:
                return snapshot.row("page/pulse.sql")
        except Trouble as trouble:
            return trouble.kind
        except Exception:  # the watch must outlive whatever this is; the pages show it
            log.warning("the page's pulse", exc_info=True)
            return None


async def live(request: Request) -> Response:
    """The route of the events."""
    pulse: Pulse = request.app.state.pulse
    if request.method == "HEAD":
        return Response(media_type=_EVENTS)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(pulse.events(), media_type=_EVENTS, headers=headers)
