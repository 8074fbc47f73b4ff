"""Figures that take too long for a page: computed beside it, kept for a while, each with the time that it is of.

A page asks for one and gets the last, or None the first time; browsers are told when it is there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from castro_spark.page.reading.database import Database, Snapshot
from castro_spark.page.reading.trouble import Trouble

_MOST = 200  # kept figures
_AGAIN_SECONDS = 15.0  # after a failure
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """A figure, and when it was so by the database's clock."""

    value: Any
    at: datetime


class Keeper:
    """Thread-safe. One figure is computed at a time, so that they never load PostgreSQL."""

    def __init__(self, database: Database, news: Callable[[], None]) -> None:
        self._database, self._news = database, news
        self._lock = Lock()
        self._kept: dict[Hashable, Kept] = {}
        self._due: dict[Hashable, float] = {}  # monotonic; absent: now
        self._worker = ThreadPoolExecutor(1, "castro kept")

    def get(self, key: Hashable, seconds: float, compute: Callable[[Snapshot], Any]) -> Kept | None:
        """The last figure of `key`. It is computed again, in a snapshot of its own, once it is `seconds` old."""
        with self._lock:
            kept = self._kept.get(key)
            if time.monotonic() < self._due.get(key, 0.0):
                return kept
            self._due[key] = time.monotonic() + max(seconds, _AGAIN_SECONDS)  # also while it is under way
        self._worker.submit(self._compute, key, seconds, compute)
        return kept

    def close(self) -> None:
        """Gives up what is not under way."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _compute(self, key: Hashable, seconds: float, compute: Callable[[Snapshot], Any]) -> None:
        try:
            with self._database.snapshot() as snapshot:
                value = Kept(compute(snapshot), snapshot.at)
        except Trouble as trouble:
            log.debug("%s: %s", key, trouble.words)
            with self._lock:
                self._due[key] = time.monotonic() + _AGAIN_SECONDS
            return
        except Exception:
            log.exception("computing %s", key)
            return
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = value
            self._due[key] = time.monotonic() + seconds
            while len(self._kept) > _MOST:
                oldest = next(iter(self._kept))
                del self._kept[oldest], self._due[oldest]
        self._news()
