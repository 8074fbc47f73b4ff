"""How much of a micro-batch is committed at once. Pure: from what was measured to the next slice.

A slice should be committed `Limits.seconds` after the one before it, and is never larger than the limits. What fits
into that time is not known beforehand: the first slices are small, and grow while they take less; one that took longer
makes the next one smaller at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Positions = Mapping[int, int]  # partition -> offset

_FIRST_OFFSETS = 256  # of a stream of which nothing is known yet
_SHORTEST = 0.001  # seconds
_GROWTH = 8  # a small slice says little about how long a large one takes


@dataclass(frozen=True)
class Limits:
    """What a slice may be: `seconds` aimed at from commit to commit, most offsets, most bytes of keys and values."""

    seconds: float
    offsets: int
    bytes: int


@dataclass(frozen=True)
class Measured:
    """What a slice was: its offsets, the bytes of its records, and the longer of its staging and its commit."""

    offsets: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Pace:
    """What was learnt from the slices so far: offsets that fit into the time, and bytes of an offset."""

    offsets: int = _FIRST_OFFSETS
    offset_bytes: float | None = None

    @property
    def measured(self) -> bool:
        """Whether there was a slice yet."""
        return self.offset_bytes is not None

    def after(self, done: Measured, seconds: float) -> Pace:
        """The pace with one more slice taken into account; a slice is meant to take so many seconds."""
        return Pace(self._offsets_after(done, seconds), self._bytes_after(done))

    def next_offsets(self, left: int, limits: Limits) -> int:
        """How many of the offsets that are left the next slice has: at least one, and no more than any limit allows.

        What is left goes into slices of one size, of which the time decides the number, but not to the last offset.
        """
        by_bytes = int(limits.bytes / self.offset_bytes) if self.offset_bytes else limits.offsets
        slices = max(1, round(left / self.offsets))
        return max(1, min(math.ceil(left / slices), limits.offsets, by_bytes))

    def _offsets_after(self, done: Measured, seconds: float) -> int:
        fits = int(done.offsets * seconds / max(done.seconds, _SHORTEST))
        if done.seconds > seconds:
            return max(1, min(self.offsets, fits))
        # One that was smaller for want of records tells too little to make the next ones smaller.
        return max(self.offsets, min(fits, done.offsets * _GROWTH))

    def _bytes_after(self, done: Measured) -> float:
        latest = done.bytes / done.offsets
        # Larger records count at once, smaller ones by and by: the large ones may come back.
        return latest if self.offset_bytes is None else max(latest, (self.offset_bytes + latest) / 2)


def cut(starts: Positions, ends: Positions, most: int) -> dict[int, int]:
    """Where a slice from `starts` ends that has no more than `most` (at least 1) of the offsets up to `ends`.

    A share of each partition; those of which the share is nothing are left out.
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
    """Where a slice must end for its records (partition, offset, bytes) to fit into `most_bytes`.

    Records are taken in turns from the partitions, at least one; a partition whose records all fit keeps its end, so
    that trailing offsets without records are consumed with it.
    """
    waiting: dict[int, list[tuple[int, int]]] = {}
    for partition, offset, size in sorted(records, reverse=True):
        waiting.setdefault(partition, []).append((offset, size))
    found = {p: end for p, end in ends.items() if p not in waiting}
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
            found[partition] = offset + 1
            if not waiting[partition]:
                del waiting[partition]
                found[partition] = ends[partition]
    return found
