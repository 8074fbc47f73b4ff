"""The channels of the settings."""

from __future__ import annotations

from castro_spark.alert_settings import (
    AppriseSettings,
    CelerySettings,
    ChannelSettings,
    EmailSettings,
    WebhookSettings,
)
from castro_spark.channels.channel import Channel
from castro_spark.channels.log import LogChannel
from castro_spark.settings import Settings


def channels(settings: Settings) -> dict[str, Channel]:
    """The enabled channels by name. Opens no connection. Raises SettingsError for what is not usable."""
    return {name: _channel(name, channel, settings) for name, channel in settings.alerts.enabled.items()}


def _channel(name: str, channel: ChannelSettings, settings: Settings) -> Channel:
    # The libraries of a type are imported only where it is used.
    if isinstance(channel, WebhookSettings):
        from castro_spark.channels.webhook import WebhookChannel  # noqa: PLC0415

        return WebhookChannel(name, channel)
    if isinstance(channel, EmailSettings):
        from castro_spark.channels.email import EmailChannel  # noqa: PLC0415

        return EmailChannel(name, channel)
    if isinstance(channel, AppriseSettings):
        from castro_spark.channels.apprise import AppriseChannel  # noqa: PLC0415

        return AppriseChannel(name, channel)
    if isinstance(channel, CelerySettings):
        from castro_spark.channels.celery import CeleryChannel  # noqa: PLC0415

        return CeleryChannel(channel, settings.redis)
    return LogChannel()
