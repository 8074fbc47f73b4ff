"""The Celery application's configuration, from the settings: broker, schedule, and what keeps tasks safe."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.schedules import ParseException, crontab
from kombu.connection import Connection

from castro_spark.channels.celery import broker
from castro_spark.errors import SettingsError
from castro_spark.sections.alerts import CelerySettings
from castro_spark.settings import Settings

_SECONDS = 60
_SPARE_SECONDS = 3600
_LATE_SECONDS = 600  # beat was down for longer: the run is not made up for
_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


def configure(app: Celery, settings: Settings) -> None:
    """Sets what the settings say. Raises SettingsError, which names the key. Opens no connection."""
    address = _broker(settings)
    url = Connection(**address).as_uri(include_password=True)  # type: ignore[no-untyped-call]
    tasks = settings.beat.tasks.by_name().values()
    longest = max(t.limit_minutes + max(t.retry_minutes, t.begin_within_minutes) for t in tasks) * _SECONDS
    app.conf.update(
        broker_url=url, broker_use_ssl=address.get("ssl"), result_backend=url,
        redis_backend_use_ssl=address.get("ssl"), broker_connection_retry_on_startup=True,
        # A task is acknowledged when it has ended. Redis gives one whose worker was killed to another after this time,
        # which no living one may need.
        task_acks_late=True,
        broker_transport_options={"visibility_timeout": int(longest + settings.beat.grace_seconds) + _SPARE_SECONDS},
        worker_prefetch_multiplier=1, worker_concurrency=len(list(tasks)), task_track_started=True,
        task_default_queue=settings.beat.queue,
        timezone=settings.timezone, beat_schedule=_entries(app, settings), beat_cron_starting_deadline=_LATE_SECONDS,
    )  # fmt: skip


def _broker(settings: Settings) -> dict[str, Any]:
    name = settings.beat.channel
    channel = settings.alerts.enabled.get(name)
    if not isinstance(channel, CelerySettings):
        raise SettingsError(
            f"beat.channel: alerts.channels has no channel {name} of type celery",
            f'add it: alerts.channels.{name}: {{type: celery, broker: "redis://HOST:6379/0"}}, with kinds: [] if it is'
            " for beat alone",
        )
    if channel.broker is None and settings.redis.url.startswith("unix:"):
        raise SettingsError(
            f"alerts.channels.{name}.broker: not set, and redis.url is a socket, where beat keeps no results",
            "set the broker: redis://HOST:6379/0",
        )
    return broker(channel, settings.redis)


def _entries(app: Celery, settings: Settings) -> dict[str, dict[str, Any]]:
    entries = {}
    for name, task in settings.beat.tasks.by_name().items():
        if task.cron is None:
            continue
        try:
            schedule = crontab(**dict(zip(_FIELDS, task.cron.split(" "), strict=True)), app=app)
        except (ParseException, ValueError) as error:
            raise SettingsError(
                f"beat.tasks.{name}.cron: {task.cron}: {error}", "as in 30 4 * * *: minute hour day month weekday"
            ) from None
        expires = task.begin_within_minutes * _SECONDS
        entries[name] = {"task": name, "schedule": schedule, "options": {"expires": expires}}
    return entries
