"""Settings of critical products: their rules, each with the limits at which an episode starts and ends."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from castro_spark.sections import Section


class FlaggedRule(Section):
    """The master data's flag, or a class."""

    classes: tuple[str, ...] = ()  # of product_class


class BelowMinimumRule(Section):
    """Stock below its minimum."""

    ends_at: Decimal = Field(ge=1)  # times the minimum


class LowCoverRule(Section):
    """Days of cover below a limit."""

    days: Decimal = Field(gt=0)  # fewer: an episode starts
    ends_at: Decimal = Field(gt=0)  # more: it ends

    @model_validator(mode="after")
    def _ends_above(self) -> LowCoverRule:
        if self.ends_at < self.days:
            raise ValueError("ends_at must be at least days: an episode ends where none starts")
        return self


class UnusualMovementRule(Section):
    """A day's movement far above the product's own median."""

    history_days: int = Field(gt=0, le=400)  # whose movements are compared
    least_days: int = Field(ge=3)  # days with movements in the history; a product with fewer is not judged
    score: Decimal = Field(gt=0)  # more: an episode starts
    ends_at: Decimal = Field(gt=0)  # less: it ends
    least_spread: Decimal = Field(gt=0, le=1)  # of the median

    @model_validator(mode="after")
    def _ends_below(self) -> UnusualMovementRule:
        if self.ends_at > self.score:
            raise ValueError("ends_at must be at most score: an episode ends where none starts")
        if self.least_days > self.history_days:
            raise ValueError("least_days must be at most history_days")
        return self


class CriticalRules(Section):
    """The rules; None: off."""

    flagged: FlaggedRule | None
    below_minimum: BelowMinimumRule | None
    low_cover: LowCoverRule | None
    unusual_movement: UnusualMovementRule | None


class CriticalSettings(Section):
    poll_seconds: float = Field(gt=0, le=2)  # an episode is noticed within 5 seconds
    products_per_commit: int = Field(gt=0)  # small steps: a stream's batch never waits long for one
    event_days: int = Field(ge=0)
    rules: CriticalRules
