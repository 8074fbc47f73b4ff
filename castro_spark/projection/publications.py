"""When a projector published what, until the latencies of the commits are counted: that is done every few seconds."""

from __future__ import annotations

import time


class Publications:
    """Revisions in their order, with the Unix time at which Redis had them."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, float]] = []
        self._last: int | None = None

    def note(self, revision: int) -> None:
        """Redis has everything up to `revision` now; only the first time counts."""
        if self._last is not None and revision < self._last:
            self._kept.clear()  # PostgreSQL was restored to an earlier time
        if revision != self._last:
            self._kept.append((revision, time.time()))
            self._last = revision

    def take(self) -> list[tuple[int, float]]:
        """What was noted since it was last asked."""
        kept, self._kept = self._kept, []
        return kept
