"""Source positions as tests write them: a class, a generation, and the parts of a place with their widths in bytes."""

from __future__ import annotations

import hashlib

from castro_spark.parse.position import WIDTH, PositionClass

SIGN = 1 << 63


def position(class_: PositionClass, generation: int, *place: tuple[int, int], event_id: str = "7") -> bytes:
    """A place in a log, filled up by the event's id."""
    return (_bytes(class_, generation, place) + hashlib.sha256(event_id.encode()).digest())[:WIDTH]


def kafka(generation: int, partition: int, offset: int, class_: PositionClass = PositionClass.CHANGE) -> bytes:
    return _bytes(class_, generation, ((partition, 4), (offset + SIGN, 8))).ljust(WIDTH, b"\0")


def _bytes(class_: PositionClass, generation: int, place: tuple[tuple[int, int], ...]) -> bytes:
    head = (class_ << 28 | generation).to_bytes(4, "big")
    return head + b"".join(value.to_bytes(width, "big") for value, width in place)
