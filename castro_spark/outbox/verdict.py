"""What becomes of a message after a failed attempt: a pure function."""

from __future__ import annotations

from dataclasses import dataclass

from castro_spark.channels.channel import Refused, Unavailable
from castro_spark.counted import counted

_JITTER = 0.2  # of a wait: messages that failed together are not all tried together again
_MOST_DOUBLINGS = 40


@dataclass(frozen=True)
class Verdict:
    """`wait` is None for a dead letter."""

    error: str
    wait: float | None


def wait_seconds(attempt: int, first: float, most: float, chance: float) -> float:
    """The wait after failed attempt number `attempt`: first x 2^(attempt - 1), at most `most`, plus up to a fifth.

    `chance` is a random number of 0 to 1.
    """
    return min(first * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS), most) * (1 + _JITTER * chance)


def verdict(error: BaseException, attempt: int, attempts: int, first: float, most: float, chance: float) -> Verdict:
    """A refusal is final; any other error is tried again, up to `attempts` times."""
    words = str(error) if isinstance(error, Refused | Unavailable) else f"{type(error).__name__}: {error}"
    if isinstance(error, Refused):
        return Verdict(f"refused: {words}", None)
    if attempt >= attempts:
        return Verdict(f"given up after {counted(attempt, 'attempt')}: {words}", None)
    asked = getattr(error, "retry_after", None) or 0.0
    return Verdict(words, max(asked, wait_seconds(attempt, first, most, chance)))
