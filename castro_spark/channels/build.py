"""The channels of the settings."""

from __future__ import annotations

import ssl

from castro_spark.channels.channel import Channel
from castro_spark.channels.log import LogChannel
from castro_spark.errors import SettingsError
from castro_spark.sections.alerts import (
    AppriseSettings,
    CelerySettings,
    ChannelSettings,
    EmailSettings,
    WebhookSettings,
)
from castro_spark.settings import Settings


def channels(settings: Settings) -> dict[str, Channel]:
    """The enabled channels by name. Opens no connection. Raises SettingsError for what is not usable."""
    return {name: build_channel(name, channel, settings) for name, channel in settings.alerts.enabled.items()}


def build_channel(name: str, channel: ChannelSettings, settings: Settings) -> Channel:
    """One channel. Opens no connection. Raises SettingsError if it is not usable."""
    if isinstance(channel, WebhookSettings | EmailSettings | CelerySettings) and channel.ca_file is not None:
        _check_authority(f"alerts.channels.{name}.ca_file", channel.ca_file)
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


def _check_authority(setting: str, path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # that of ssl is one, too
        words = "has no certificate that can be read" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(
            f"{setting}: {path}: {words}", "name a PEM file of this machine with the authority's certificate"
        ) from None
