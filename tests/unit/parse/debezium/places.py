"""Places in a log of numbers, as positions."""

from __future__ import annotations

from castro_spark.parse.position import PositionClass
from tests.unit.parse.positions import position

CHANGE, SNAPSHOT = PositionClass.CHANGE, PositionClass.SNAPSHOT


def place(class_: PositionClass, *numbers: int) -> bytes:
    """A place of numbers of 8 bytes each, in the generation of the tests' rules."""
    return position(class_, 1, *((number, 8) for number in numbers))
