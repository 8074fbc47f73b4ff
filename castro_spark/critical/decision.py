"""What a verdict does to an episode: one pure decision, with a named reason.

    none lasts + starts, by fresh news     -> started: the next number, and the task once
    none lasts + starts, by other commits  -> held_back: the product's next fresh event starts it, if it still holds
    lasts      + lasts                     -> noticed
    lasts      + not any more              -> ended
    none lasts + does not start            -> quiet
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from castro_spark.critical.rules import Verdict


class Reason(str, Enum):
    """What happened."""

    STARTED = "started"
    HELD_BACK = "held_back"
    NOTICED = "noticed"
    ENDED = "ended"
    QUIET = "quiet"


@dataclass(frozen=True)
class Episode:
    """The last episode of a product and rule."""

    number: int
    lasts: bool


@dataclass(frozen=True)
class Decision:
    """`number`: of the episode that it concerns; 0 if there was none yet."""

    reason: Reason
    number: int


def decide(last: Episode | None, verdict: Verdict, *, fresh: bool) -> Decision:
    """The decision on a verdict. `fresh`: it follows a stream's own commit with an event of a recent day, or a recent
    change of the master data or stock levels; only these start an episode."""
    number = last.number if last else 0
    if last is not None and last.lasts:
        return Decision(Reason.NOTICED if verdict.lasts else Reason.ENDED, number)
    if not verdict.starts:
        return Decision(Reason.QUIET, number)
    return Decision(Reason.STARTED, number + 1) if fresh else Decision(Reason.HELD_BACK, number)
