"""The channels of the alerts: each is usable as it is set, and its server can be reached. No message is sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

from castro_spark.channels.build import build_channel
from castro_spark.hadoop.conf import Address
from castro_spark.sections.alerts import (
    AppriseSettings,
    CelerySettings,
    ChannelSettings,
    EmailSettings,
    WebhookSettings,
)
from castro_spark.settings import Settings
from castro_spark.validation import network
from castro_spark.validation.check import Check

_PORTS = {"http": 80, "https": 443}


def checks(settings: Settings) -> Iterator[Check]:
    """One per channel; independent of each other and of Spark. Only a server's name and port are shown of a URL."""
    for name, channel in settings.alerts.enabled.items():
        seconds = network.CONNECT_SECONDS * 3  # a name server may take its time as well
        yield Check(f"alerts by {name}", _place(channel, settings), partial(_ask, name, channel, settings), seconds)


def _ask(name: str, channel: ChannelSettings, settings: Settings) -> str:
    build_channel(name, channel, settings)
    setting, address = _server(name, channel, settings)
    if address is None:
        return _NOT_ASKED.get(channel.__class__, "")
    if not settings.alerts.deliver:
        return "usable; not asked: alerts.deliver is false, so `outbox run` delivers, from where it runs"
    return network.reach(network.Service(name, (address,), setting))


_NOT_ASKED: dict[type[ChannelSettings], str] = {
    AppriseSettings: "usable; not asked: only apprise knows the service's address",
    CelerySettings: "by a socket of this machine",
}


def _place(channel: ChannelSettings, settings: Settings) -> str:
    _, address = _server("", channel, settings)
    return channel.type if address is None else f"{address[0]}:{address[1]}"  # type: ignore[attr-defined]


def _server(name: str, channel: ChannelSettings, settings: Settings) -> tuple[str, Address | None]:
    """The setting that names the server, and the address; no address if there is none to connect to."""
    prefix = f"alerts.channels.{name}"
    if isinstance(channel, EmailSettings):
        return f"{prefix}.host", (channel.host, channel.port)
    if isinstance(channel, CelerySettings):
        own = channel.broker is not None
        setting, url = (f"{prefix}.broker", str(channel.broker)) if own else ("redis.url", settings.redis.url)
        return setting, next(iter(network.redis_addresses(url)), None)
    if isinstance(channel, WebhookSettings):
        setting = f"{prefix}.url" if channel.secret_url is None else f"CASTRO_ALERTS_{name.upper()}_URL"
        parts = urlsplit(channel.address)
        return setting, (str(parts.hostname), parts.port or _PORTS[parts.scheme])
    return prefix, None
