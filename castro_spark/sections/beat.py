"""Settings of Celery Beat as the scheduler (`beat`): what runs when, and what becomes of a job that failed."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from castro_spark.sections import Section

_CRON = re.compile(r"[\d*/,-]+( [\d*/,A-Za-z-]+){4}")  # Celery parses it, when the schedule is made


class TaskSettings(Section):
    """One task: its hours, and the bounds of its runs."""

    cron: str | None = None  # in `timezone`; null: only when somebody sends the task
    limit_minutes: float = Field(gt=0)  # then the job is asked to stop
    retries: int = Field(ge=0)
    retry_minutes: float = Field(gt=0)
    begin_within_minutes: float = Field(gt=0)  # a run that no worker has begun by then is given up

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str | None) -> str | None:
        if cron is not None and not _CRON.fullmatch(cron):
            raise ValueError("must be minute, hour, day, month and weekday, as in 30 4 * * *, or null")
        return cron


class TasksSettings(Section):
    """The tasks, by the names under which they are sent."""

    extract_hadoop_data: TaskSettings
    full_hadoop_sync: TaskSettings
    sync_hadoop_batch: TaskSettings
    monitor_data_quality: TaskSettings

    def by_name(self) -> dict[str, TaskSettings]:
        """Each task's settings."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class BeatSettings(Section):
    """The application, its broker and its tasks."""

    channel: str = Field(min_length=1)
    queue: str = Field(min_length=1)
    grace_seconds: float = Field(gt=0)  # for a job that is asked to stop; then it is killed
    tasks: TasksSettings
