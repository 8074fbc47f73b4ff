"""Settings of the data quality checks (`quality`): when they run, and the limits of each.

`of` overrides limits for a stream, a table, or a stream's column: `of: {sales: {fail_seconds: 3600}}`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from castro_spark.sections import Section

L = TypeVar("L", bound="CheckLimits")


class CheckLimits(Section):
    """What every check has. `severity` is that of a failure; `no_data: fail` makes a result without data a failure."""

    enabled: bool = True  # false: not run
    severity: Literal["warning", "critical"] = "warning"  # of a failure
    no_data: Literal["expected", "fail"] = "expected"  # fail: nothing to judge is a failure
    of: dict[str, dict[str, Any]] = Field(default_factory=dict)  # other limits, by stream, table or column

    @model_validator(mode="after")
    def _overrides_fit(self) -> CheckLimits:
        for subject, limits in self.of.items():
            if "of" in limits:
                raise ValueError(f"of.{subject}: must not have an `of` itself")
            try:
                self._with(limits)
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                raise ValueError(f"of.{subject}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return self

    def _with(self: L, limits: dict[str, Any]) -> L:
        return type(self).model_validate({**self.model_dump(exclude={"of"}), **limits})


def limits_of(limits: L, *subjects: str) -> L:
    """The limits of a subject: the overrides of each of `subjects` in turn, such as a stream and its column."""
    for subject in subjects:
        if subject in limits.of:
            # The overrides of the following subjects stay.
            limits = limits._with(limits.of[subject]).model_copy(update={"of": limits.of})
    return limits


class LagLimits(CheckLimits):
    """A delay that must stay below limits."""

    warn_seconds: float = Field(gt=0)  # an older one is a warning
    fail_seconds: float = Field(gt=0)  # and a failure

    @model_validator(mode="after")
    def _in_order(self) -> LagLimits:
        if self.warn_seconds > self.fail_seconds:
            raise ValueError("warn_seconds must not exceed fail_seconds")
        return self


class ShareLimits(CheckLimits):
    """A share of the rows or records that must stay below limits; not judged below `min_rows` rows."""

    warn: float = Field(ge=0, le=1)  # a greater share is a warning
    fail: float = Field(ge=0, le=1)  # and a failure
    min_rows: int = Field(gt=0)  # fewer are not judged

    @model_validator(mode="after")
    def _in_order(self) -> ShareLimits:
        if self.warn > self.fail:
            raise ValueError("warn must not exceed fail")
        return self


class WindowedShareLimits(ShareLimits):
    window_minutes: float = Field(gt=0)  # the records of so long

    @property
    def window(self) -> timedelta:
        return timedelta(minutes=self.window_minutes)


class NullLimits(CheckLimits):
    """A column's share of nulls may exceed the median of the days before by `rise`, or by `deviations` of theirs."""

    rise: float = Field(gt=0, le=1)  # of the share, above the median of the days before
    deviations: float = Field(gt=0)  # of the days before (median of the distances from the median)
    min_rows: int = Field(gt=0)  # of a day: fewer are not judged
    min_days: int = Field(gt=0)  # with data, before


class VolumeLimits(CheckLimits):
    """A day's rows against those of the same weekday: beyond `deviations` of theirs, and a factor of their median."""

    weeks: int = Field(gt=0, le=52)  # days of the baseline
    look_back_weeks: int = Field(gt=0, le=104)  # where they may come from, if some are holidays or had an incident
    min_days: int = Field(gt=0)  # fewer in the baseline: not judged
    min_rows: int = Field(gt=0)  # of the median: fewer rows a day are not judged
    deviations: float = Field(gt=0)  # of the baseline (median of the distances from the median)
    warn_factor: float = Field(gt=1)  # of the median, or a part of it: a warning
    fail_factor: float = Field(gt=1)  # and a failure
    holiday_country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    holiday_subdivision: str | None = None  # a state with holidays of its own

    @model_validator(mode="after")
    def _in_order(self) -> VolumeLimits:
        if self.warn_factor > self.fail_factor:
            raise ValueError("warn_factor must not exceed fail_factor")
        if self.weeks > self.look_back_weeks:
            raise ValueError("weeks must not exceed look_back_weeks")
        return self


class DriftLimits(CheckLimits):
    """Prices against each product's own recent prices, quantities against those of recent days."""

    price_factor: float = Field(gt=1)  # a price so far from the product's usual one is a jump
    warn_share: float = Field(gt=0, le=1)  # of jumps beyond the median of the baseline's days
    fail_share: float = Field(gt=0, le=1)  # and a failure
    quantity_factor: float = Field(gt=1)  # between a day's median quantity and that of the baseline
    deviations: float = Field(gt=0)  # of the baseline (median of the distances from the median)
    min_rows: int = Field(gt=0)  # of a day: fewer are not judged
    min_days: int = Field(gt=0)  # with data, before


class CountLimits(CheckLimits):
    revisions: int = Field(gt=0)  # newest commits whose books are added up
    commit_rows: int = Field(gt=0)  # so many rows of the newest commits are compared with the tables


class SchemaLimits(CheckLimits):
    new_field_days: float = Field(gt=0)  # an unknown field is reported for so long
    vanished_min_rows: int = Field(gt=0)  # of a day: a field without any value in so many has vanished
    missing_records: int = Field(gt=0)  # quarantined within `missing_hours` because of one missing field
    missing_hours: float = Field(gt=0)


class RedisSampleLimits(CheckLimits):
    products: int = Field(gt=0, le=10_000)
    whole_products: int = Field(ge=0, le=1_000)


class QualitySettings(Section):
    every_seconds: float = Field(ge=0)
    statement_timeout_seconds: float = Field(gt=0)
    history_days: int = Field(gt=0)
    sample_products: int = Field(gt=0)
    baseline_days: int = Field(gt=0, le=100)
    master_table: str | None = Field(default=None, min_length=1)
    kafka_options: dict[str, str] = Field(default_factory=dict)  # librdkafka's, where its names differ from Java's

    freshness: LagLimits
    record_counts: CountLimits
    schema_: SchemaLimits = Field(alias="schema")
    null_rates: NullLimits
    duplicates: ShareLimits
    volume: VolumeLimits
    drift: DriftLimits
    references: ShareLimits
    quarantine_share: WindowedShareLimits
    redis_sample: RedisSampleLimits
    projection_lag: LagLimits
    archive_lag: LagLimits
    extract_age: LagLimits
    reconcile_age: LagLimits
    product_360_lag: LagLimits
