"""The order in which contestants run: in rotation, so that none is always the first, or after the same one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def rotation(contestants: Sequence[T], rounds: int) -> list[list[T]]:
    """A round's order is the last one's, moved by one; every second round runs backwards."""
    orders = []
    for number in range(rounds):
        begin = number % len(contestants) if contestants else 0
        order = [*contestants[begin:], *contestants[:begin]]
        orders.append(order[::-1] if number % 2 else order)
    return orders
