"""Where a record stood in its source, as a pair that orders: of one identity, the greater pair counts."""

from __future__ import annotations

GENERATION_SHIFT = 32


def position_major(generation: int, partition: int) -> int:
    """The greater half of a native record's position; the lesser is its offset.

    The topic's generation stands above the partition: a topic that was deleted and created again starts
    at offset 0, and what it brings is newer than all before.
    """
    return (generation << GENERATION_SHIFT) + partition
