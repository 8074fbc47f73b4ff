"""Settings of the retraining policy (`retraining`): what is measured, and when a retraining is asked for."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from pydantic import Field, field_validator

from castro_spark.sections import Section

FEATURE = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"


class NewRowsRule(Section):
    """Rows since the last training's data, against the rows of that data."""

    share: float = Field(gt=0)  # of the rows of the training's data
    min_rows: int = Field(ge=0)  # at least so many


class DriftRule(Section):
    """Features whose distribution has moved: PSI beyond `psi`, and beyond what sampling explains at `confidence`."""

    psi: float = Field(gt=0)  # a feature beyond it drifts ...
    confidence: float = Field(gt=0.5, lt=1)  # ... if chance explains it with less than the rest
    features: int = Field(gt=0)  # so many must drift


class NewProductsRule(Section):
    """The share of active products that the last training's data lacks."""

    share: float = Field(gt=0, le=1)  # of the sampled products
    min_products: int = Field(ge=0)  # at least so many


class AgeRule(Section):
    """Days since the last training."""

    days: float = Field(gt=0)  # since the last training


class FirstRule(Section):
    """No training was recorded: rows of the last `window_days`."""

    min_rows: int = Field(ge=0)  # of the last window_days


class Rules(Section):
    """null: the rule is off."""

    new_rows: NewRowsRule | None
    drift: DriftRule | None
    new_products: NewProductsRule | None
    age: AgeRule | None
    first: FirstRule | None


class HoldSettings(Section):
    """What holds a retraining back (retraining/blockers)."""

    incident_level: int = Field(ge=1, le=3)
    quality_max_age_hours: float | None = Field(gt=0)
    reconcile_max_age_hours: float | None = Field(gt=0)
    ignored_checks: tuple[str, ...]
    silent_seconds: float = Field(ge=5)


class RetrainingSettings(Section):
    enabled: bool  # false: `retraining decide` never asks
    model: str = Field(min_length=1, max_length=100)  # its name in decisions, trainings and tasks
    features: tuple[Annotated[str, Field(pattern=FEATURE)], ...] = Field(min_length=1, max_length=50)
    window_days: int = Field(gt=0, le=182)
    sample_products: int = Field(gt=0, le=20_000)
    min_products: int = Field(gt=1)
    statement_timeout_seconds: float = Field(gt=0)  # of each query for the evidence
    rules: Rules
    confirmations: int = Field(gt=0, le=100)
    confirm_apart_minutes: float = Field(ge=0)
    cooldown_hours: float = Field(ge=0, le=24 * 180)
    await_hours: float = Field(ge=0, le=24 * 180)
    hold: HoldSettings
    retention_days: int = Field(ge=7)  # of decisions that did not fire
    fired_retention_days: int = Field(ge=365)

    @field_validator("features")
    @classmethod
    def _once_each(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({f for f in features if features.count(f) > 1}):
            raise ValueError(f"names {', '.join(twice)} more than once")
        return features

    @property
    def policy_hash(self) -> str:
        """Identifies these settings in each decision that was made by them."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
