"""The rules: pure functions of one product's measured state. Each has a limit to start at and another one to end at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import Enum

from castro_spark.counted import counted
from castro_spark.cover import days_of_cover
from castro_spark.sections.critical import (
    BelowMinimumRule,
    CriticalRules,
    FlaggedRule,
    LowCoverRule,
    UnusualMovementRule,
)

_WIDE = Context(prec=200)
_TO_DEVIATION = Decimal("1.4826")  # of normal values: standard deviation / median absolute deviation


class Rule(str, Enum):
    """The rules, as the settings name them."""

    FLAGGED = "flagged"
    BELOW_MINIMUM = "below_minimum"
    LOW_COVER = "low_cover"
    UNUSUAL_MOVEMENT = "unusual_movement"


@dataclass(frozen=True)
class Movement:
    """The greatest recent day of one flow ("out" or "in"), and the days before: how many had any, their median and the
    median of their distances from it. Lower medians: of an even number of values the smaller one in the middle."""

    flow: str
    day: date
    quantity: Decimal
    days: int
    median: Decimal
    spread: Decimal


@dataclass(frozen=True)
class Measured:
    """One product as measured. None: not known. `issued`: in the last 30 days."""

    product_code: str
    flag: bool | None = None
    product_class: str | None = None
    minimum: Decimal | None = None
    stock: Decimal | None = None
    issued: Decimal = Decimal(0)
    movements: tuple[Movement, ...] = ()

    @property
    def cover(self) -> Decimal | None:
        """Days of cover; None if the stock is unknown or nothing was issued."""
        return days_of_cover(self.stock, self.issued)


@dataclass(frozen=True)
class Verdict:
    """What a rule finds. `starts`: an episode may start. `lasts`: one that started earlier goes on.

    Whatever starts also lasts. Between the two limits `lasts` alone is true, so that a value that wavers around one
    limit starts one episode.
    """

    rule: Rule
    value: Decimal | None
    starts: bool
    lasts: bool
    words: str


def verdicts(measured: Measured, rules: CriticalRules) -> Iterator[Verdict]:
    """The verdict of each rule that is on. What is not known neither starts nor lasts."""
    if rules.flagged is not None:
        yield _flagged(measured, rules.flagged)
    if rules.below_minimum is not None:
        yield _below_minimum(measured, rules.below_minimum)
    if rules.low_cover is not None:
        yield _low_cover(measured, rules.low_cover)
    if rules.unusual_movement is not None:
        yield _unusual_movement(measured, rules.unusual_movement)


def _flagged(measured: Measured, rule: FlaggedRule) -> Verdict:
    of_class = measured.product_class in rule.classes
    words = "flagged as critical in the master data" if measured.flag else f"of class {measured.product_class}"
    found = bool(measured.flag) or of_class
    return Verdict(Rule.FLAGGED, None, found, found, words if found else "not flagged")


def _below_minimum(measured: Measured, rule: BelowMinimumRule) -> Verdict:
    stock, minimum = measured.stock, measured.minimum
    if stock is None or minimum is None or minimum <= 0:
        return Verdict(Rule.BELOW_MINIMUM, stock, False, False, "stock or minimum is not known")
    words = f"stock {plain(stock)}, minimum {plain(minimum)}"
    return Verdict(Rule.BELOW_MINIMUM, stock, stock < minimum, stock < minimum * rule.ends_at, words)


def _low_cover(measured: Measured, rule: LowCoverRule) -> Verdict:
    cover = measured.cover
    if cover is None:
        return Verdict(Rule.LOW_COVER, None, False, False, "stock is not known, or nothing was issued in 30 days")
    words = f"{plain(rounded(cover, 1))} days of cover, limit {plain(rule.days)}"
    return Verdict(Rule.LOW_COVER, rounded(cover, 6), cover < rule.days, cover < rule.ends_at, words)


def _unusual_movement(measured: Measured, rule: UnusualMovementRule) -> Verdict:
    scored = [(score(m, rule), m) for m in measured.movements if m.days >= rule.least_days and m.median > 0]
    if not scored:
        return Verdict(Rule.UNUSUAL_MOVEMENT, None, False, False, "no recent movement is far above the median")
    found, movement = max(scored, key=lambda pair: (pair[0], pair[1].flow))
    what = "issued" if movement.flow == "out" else "received"
    words = (
        f"{plain(movement.quantity)} {what} on {movement.day}, median {plain(movement.median)}"
        f" of {counted(movement.days, 'day')} (score {plain(rounded(found, 1))}, limit {plain(rule.score)})"
    )
    return Verdict(Rule.UNUSUAL_MOVEMENT, rounded(found, 6), found >= rule.score, found >= rule.ends_at, words)


def score(movement: Movement, rule: UnusualMovementRule) -> Decimal:
    """How many spreads the quantity lies above the median: the modified z-score of Iglewicz and Hoaglin (1993), by
    1.4826 x MAD. The spread is at least `least_spread` of the median: equal days would make any other one unusual.
    """
    spread = max(_TO_DEVIATION * movement.spread, rule.least_spread * movement.median)
    return (movement.quantity - movement.median) / spread


def least_times(rule: UnusualMovementRule) -> Decimal:
    """Times the median below which no quantity lasts, whatever the spread: smaller ones need not be measured."""
    return 1 + rule.ends_at * rule.least_spread


def rounded(number: Decimal, places: int) -> Decimal:
    """Half up, whatever the number's size: the default context refuses one of more than 28 digits."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)


def plain(number: Decimal) -> str:
    """Without exponent and trailing zeros."""
    return f"{number.normalize(_WIDE):f}" if number else "0"
