"""The schedule of a job that repeats in one process: pure, but for the clock that it is given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Beats:
    """Beats every `seconds` from now on, on a clock that no change of the time of day moves.

    A beat that passes while a run is under way is skipped and counted in `missed`: runs never overlap, never queue up,
    and never drift.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._began = clock()
        self._number = 0
        self.missed = 0

    def wait(self) -> float:
        """Chooses the next beat that has not passed; returns the seconds until then, more than 0."""
        elapsed = self._clock() - self._began
        following = math.floor(elapsed / self._seconds) + 1
        self.missed += following - self._number - 1
        self._number = following
        return following * self._seconds - elapsed
