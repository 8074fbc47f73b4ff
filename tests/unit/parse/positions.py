"""Source positions as tests write them: a class, a generation, and the parts of a place with their widths in bytes."""

from __future__ import annotations

from castro_spark.parse.position import WIDTH, PositionClass

SIGN = 1 << 63


def position(class_: PositionClass, generation: int, *place: tuple[int, int]) -> bytes:
    head = (class_ << 28 | generation).to_bytes(4, "big")
    return (head + b"".join(value.to_bytes(width, "big") for value, width in place)).ljust(WIDTH, b"\0")


def kafka(generation: int, partition: int, offset: int, class_: PositionClass = PositionClass.CHANGE) -> bytes:
    return position(class_, generation, (partition, 4), (offset + SIGN, 8))
