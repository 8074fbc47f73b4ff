"""Sizes the slices of a micro-batch: pure functions from past measurements to the next slice.

A slice should be committed `Limits.seconds` after the previous one, and never exceeds the limits. What fits into that
time is not known in advance: the first slices are small and grow while they take less; one that took longer shrinks
the next one at once, unless most of its time is the same for any size, so that smaller slices would only be more.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Positions = Mapping[int, int]  # partition -> offset

_FIRST_OFFSETS = 256  # size of a stream's first slice
_SHORTEST = 0.001  # seconds
_GROWTH = 8  # greatest growth per slice: a small slice predicts a large one's duration poorly
# Growth after a slice of at most half the target time. Most of a small slice's time is the same for any size (in a cold
# JVM nearly a second), so its rate predicts far too little. Even if all its time grew with its size, the next slice
# would take one and a half times the target.
_SURE_GROWTH = 3
_RECENT = 8  # slices from which the time is estimated that is the same for any size
_PROVEN, _SMALL = 20_000, 4 << 10  # offsets of recent slices, and mean bytes, that prove that records are small
_SPREAD = 0.2  # of their sizes, relative to the mean: less tells nothing about it


@dataclass(frozen=True)
class Limits:
    """Limits of a slice: target `seconds` from commit to commit, maximum offsets, maximum bytes of keys and values."""

    seconds: float
    offsets: int
    bytes: int


@dataclass(frozen=True)
class Measured:
    """Measurements of a slice: its offsets, its records' bytes, and the longer of its staging and commit times."""

    offsets: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Pace:
    """Estimates from the slices so far: the offsets that fit into the target time, and the bytes per offset; and the
    latest slices."""

    offsets: int = _FIRST_OFFSETS
    offset_bytes: float | None = None
    recent: tuple[Measured, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether a slice has been measured."""
        return self.offset_bytes is not None

    @property
    def proven_small(self) -> bool:
        """Whether many records of the recent slices were small, and none of these slices had large ones."""
        many = sum(m.offsets for m in self.recent) >= _PROVEN
        return many and all(m.bytes <= _SMALL * m.offsets for m in self.recent)

    def is_learning(self, left: int, limits: Limits) -> bool:
        """Whether the latest slice is to tell how much larger the next one may be, of `left` offsets: if nothing but
        these estimates keeps it small."""
        if self.offsets >= min(left, limits.offsets, self._offsets_of(limits)):
            return False
        return not self.recent or self.recent[-1].seconds <= limits.seconds / 2

    def after(self, done: Measured, seconds: float) -> Pace:
        """The pace updated with one more slice; `seconds` is the target duration of a slice."""
        return Pace(self._offsets_after(done, seconds), self._bytes_after(done), self._with(done))

    def next_offsets(self, left: int, limits: Limits) -> int:
        """The number of offsets in the next slice, of `left` remaining: at least one, and within every limit.

        The remainder is divided into slices of equal size. The target time determines their number, rounded: a slice
        may exceed `offsets` by up to half.
        """
        slices = max(1, round(left / self.offsets))
        return max(1, min(math.ceil(left / slices), limits.offsets, self._offsets_of(limits)))

    def _offsets_of(self, limits: Limits) -> int:
        """The offsets that have `limits.bytes`, as far as that is known."""
        return int(limits.bytes / self.offset_bytes) if self.offset_bytes else limits.offsets

    def _offsets_after(self, done: Measured, seconds: float) -> int:
        if done.seconds > seconds:
            return self._offsets_after_a_long_one(done, seconds)
        fits = int(done.offsets * seconds / max(done.seconds, _SHORTEST))
        if done.seconds <= seconds / 2:
            fits = max(fits, done.offsets * _SURE_GROWTH)
        # A slice that was small because records ran out is no reason to shrink the next ones.
        return max(self.offsets, min(fits, done.offsets * _GROWTH))

    def _offsets_after_a_long_one(self, done: Measured, seconds: float) -> int:
        fixed = min(fixed_seconds(self._with(done)), done.seconds - _SHORTEST)
        room = max(seconds - fixed, seconds / 2)
        fits = max(1, int(done.offsets * room / (done.seconds - fixed)))
        # On a busy machine the fixed part alone may take the target time. Then a larger slice hardly takes longer: it
        # may grow, as long as the time is far from the limit for a commit.
        most = max(self.offsets, 2 * done.offsets) if done.seconds <= 1.5 * seconds else self.offsets
        return min(most, fits)

    def _with(self, done: Measured) -> tuple[Measured, ...]:
        return (*self.recent, done)[-_RECENT:]

    def _bytes_after(self, done: Measured) -> float:
        latest = done.bytes / done.offsets
        # Larger records take effect at once, smaller ones gradually: large ones may come back.
        return latest if self.offset_bytes is None else max(latest, (self.offset_bytes + latest) / 2)


def fixed_seconds(slices: Sequence[Measured]) -> float:
    """The part of a slice's seconds that is the same for any size, by least squares over `slices` (at least one); 0 if
    their sizes hardly differ."""
    sizes, times = [float(m.offsets) for m in slices], [m.seconds for m in slices]
    size = statistics.fmean(sizes)
    if statistics.pstdev(sizes) < _SPREAD * size:
        return 0.0
    _, fixed = statistics.linear_regression(sizes, times)
    return max(0.0, min(fixed, *times))


def cut(starts: Positions, ends: Positions, most: int) -> dict[int, int]:
    """End offsets of a slice from `starts` with at most `most` (at least 1) of the offsets up to `ends`.

    Each partition gets a proportional share; partitions whose share is zero are left out.
    """
    left = {p: end - starts[p] for p, end in ends.items() if end > starts[p]}
    total = sum(left.values())
    if total <= most:
        return {p: starts[p] + n for p, n in left.items()}
    shares = {p: n * most // total for p, n in left.items()}
    spare = most - sum(shares.values())
    for partition in sorted(left, key=lambda p: (shares[p] - left[p] * most / total, p))[:spare]:
        shares[partition] += 1
    return {p: starts[p] + n for p, n in shares.items() if n}


def fitting(records: Sequence[tuple[int, int, int]], ends: Positions, most_bytes: int) -> dict[int, int]:
    """End offsets of a slice so that its records (partition, offset, bytes) fit into `most_bytes`.

    Records are taken from the partitions in turn, at least one in total. A partition whose records all fit keeps its
    end, so that trailing offsets without records are consumed too.
    """
    waiting: dict[int, list[tuple[int, int]]] = {}
    for partition, offset, size in sorted(records, reverse=True):
        waiting.setdefault(partition, []).append((offset, size))
    fitted = {p: end for p, end in ends.items() if p not in waiting}
    taken = 0
    full = False
    while waiting and not full:
        for partition in sorted(waiting):
            offset, size = waiting[partition][-1]
            if taken and taken + size > most_bytes:
                full = True
                break
            waiting[partition].pop()
            taken += max(size, 1)
            fitted[partition] = offset + 1
            if not waiting[partition]:
                del waiting[partition]
                fitted[partition] = ends[partition]
    return fitted
