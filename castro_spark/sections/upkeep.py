"""Settings of what follows the commits: the projection to Redis, the repair of differences, and retention."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from castro_spark.sections import Section


class ProjectionSettings(Section):
    """The projection of PostgreSQL's committed state to Redis."""

    poll_seconds: float = Field(gt=0)
    products_per_chunk: int = Field(gt=0)
    wait_seconds: float = Field(ge=0)
    takeover_seconds: float = Field(ge=5)  # the heartbeat's interval is two seconds


class ReconcileSettings(Section):
    in_flight_minutes: float = Field(ge=0)  # more recent changes are not compared yet
    change_limit: float = Field(ge=0, le=1)  # share of a day's events that a run may change, unless forced
    repairs_per_commit: int = Field(gt=0)

    @property
    def in_flight(self) -> timedelta:
        return timedelta(minutes=self.in_flight_minutes)


class HousekeepingSettings(Section):
    """Retention of everything that would otherwise grow without limit (sinks/postgres/operations/pruning)."""

    every_minutes: float = Field(gt=0)
    rows_per_step: int = Field(gt=0)
    delete_notes_days: int | None = Field(default=None, gt=0)
    quarantine_closed_days: int = Field(gt=0)
    quarantine_max_records: int = Field(gt=0)
    quarantine_max_megabytes: int = Field(gt=0)
    repairs_days: int = Field(gt=0)
