"""Settings of incidents, the outbox and its channels (`alerts`).

A channel's secrets come from CASTRO_ALERTS_{CHANNEL}_PASSWORD, _TOKEN or _URL (or the same with _FILE), never from a
file of settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from castro_spark.sections import Section
from castro_spark.security import credentials

Severity = Literal["warning", "critical"]
Kind = Literal["incident", "critical_product", "retraining"]
NAME = r"^[a-z][a-z0-9_]{0,30}$"  # also a part of the name of a variable
TASKS: dict[Kind, str] = {
    "incident": "send_data_quality_alert",
    "critical_product": "analyze_critical_product",
    "retraining": "retrain_classification_model",
}


class ChannelSettings(Section):
    """What all types of channels share. `kinds`, `min_severity`, `checks` and `subjects` choose what it gets."""

    kinds: frozenset[Kind] = frozenset({"incident"})  # of messages that it gets
    min_severity: Severity = "warning"  # of incidents
    checks: tuple[str, ...] = ("*",)  # of incidents: shell patterns
    subjects: tuple[str, ...] = ("*",)  # of incidents: shell patterns of streams and tables
    timeout_seconds: float = Field(default=10, gt=0, le=300)  # of each step; an attempt is given up after twice as long

    def takes(self, check: str, subject: str, severity: str) -> bool:
        """Whether it is told of an incident of this severity."""
        return (
            "incident" in self.kinds
            and (severity == "critical" or self.min_severity == "warning")
            and any(fnmatchcase(check, pattern) for pattern in self.checks)
            and any(fnmatchcase(subject, pattern) for pattern in self.subjects)
        )


class LogSettings(ChannelSettings):
    """The log of the delivering process."""

    type: Literal["log"]


class WebhookSettings(ChannelSettings):
    """JSON by POST, in the shape of Alertmanager's webhook (version 4)."""

    type: Literal["webhook"]
    url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")  # or CASTRO_ALERTS_{NAME}_URL
    secret_url: SecretStr | None = None  # for a URL that is itself a secret
    token: SecretStr | None = None  # sent as a bearer token
    ca_file: str | None = None  # certificates to trust; unset: the system's

    @field_validator("url")
    @classmethod
    def _without_secrets(cls, url: str | None) -> str | None:
        if url is not None:
            credentials.check_webhook_url(url)
        return url

    @field_validator("secret_url")
    @classmethod
    def _a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            credentials.check_http_url(url.get_secret_value())
        return url

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        # Else the HTTP library refuses it, in words that quote it.
        if token is not None and not re.fullmatch(r"[!-~]+", token.get_secret_value()):
            raise ValueError("must be one line of printable ASCII characters without blanks")
        return token

    @model_validator(mode="after")
    def _one_url(self) -> WebhookSettings:
        if (self.url is None) == (self.secret_url is None):
            raise ValueError("needs its url, or CASTRO_ALERTS_{CHANNEL}_URL (or ..._URL_FILE) if the URL is a secret")
        return self

    @property
    def address(self) -> str:
        """The URL; it may be a secret."""
        return self.secret_url.get_secret_value() if self.secret_url else str(self.url)


class EmailSettings(ChannelSettings):
    """Mail by SMTP."""

    type: Literal["email"]
    host: str = Field(min_length=1)  # of the SMTP server
    port: int = Field(default=587, gt=0, lt=65536)  # 587 with starttls, 465 with tls
    security: Literal["starttls", "tls", "none"] = "starttls"  # none: only without a login
    ca_file: str | None = None  # certificates to trust; unset: the system's
    username: str | None = Field(default=None, min_length=1)  # with CASTRO_ALERTS_{NAME}_PASSWORD
    password: SecretStr | None = None
    sender: str = Field(pattern=r"^[^\s@<>]+@[^\s@<>]+$")  # an address
    recipients: tuple[Annotated[str, Field(pattern=r"^[^\s@<>]+@[^\s@<>]+$")], ...] = Field(min_length=1)  # addresses

    @model_validator(mode="after")
    def _login_whole(self) -> EmailSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and CASTRO_ALERTS_{CHANNEL}_PASSWORD (or ..._PASSWORD_FILE) go together")
        if self.username is not None and self.security == "none":
            raise ValueError("security must be starttls or tls beside username: a password is not sent in clear")
        return self


class AppriseSettings(ChannelSettings):
    """Any service of the library apprise (the extra `alerts`); its URL holds the secrets."""

    type: Literal["apprise"]
    secret_url: SecretStr | None = None

    @model_validator(mode="after")
    def _has_url(self) -> AppriseSettings:
        if self.secret_url is None:
            raise ValueError("needs CASTRO_ALERTS_{CHANNEL}_URL (or ..._URL_FILE) with apprise's URL of the service")
        return self


class CelerySettings(ChannelSettings):
    """Tasks for the Django application's Celery workers, by name, over a Redis broker."""

    type: Literal["celery"]
    kinds: frozenset[Kind] = frozenset(TASKS)  # of messages that it sends as tasks
    broker: str | None = None  # unset: the server, user and password of `redis`
    username: str | None = Field(default=None, min_length=1)  # with CASTRO_ALERTS_{NAME}_PASSWORD
    password: SecretStr | None = None
    ca_file: str | None = None  # for rediss://; unset: the system's certificates, or without broker those of `redis`
    queue: str = Field(default="celery", min_length=1)  # that the workers read
    tasks: dict[Kind, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)  # other names, by kind

    @field_validator("broker")
    @classmethod
    def _redis_without_password(cls, url: str | None) -> str | None:
        if url is not None:
            credentials.check_redis_url(url)
            if not url.startswith(("redis://", "rediss://")):
                raise ValueError("must begin with redis:// or rediss://")
        return url

    def task(self, kind: str) -> str:
        """The name of the task for a kind of message."""
        return {**TASKS, **self.tasks}[kind]  # type: ignore[index]


Channel = Annotated[
    LogSettings | WebhookSettings | EmailSettings | AppriseSettings | CelerySettings, Field(discriminator="type")
]


class IncidentSettings(Section):
    """When incidents escalate, are repeated and are resolved (incidents/decision.py)."""

    passes_to_resolve: int = Field(gt=0)
    escalate_after_hours: float | None = Field(gt=0)
    repeat_every_hours: float | None = Field(gt=0)
    no_data_expected: tuple[str, ...]
    retention_days: int = Field(gt=0)  # of ended ones


class OutboxSettings(Section):
    """How the outbox is delivered."""

    poll_seconds: float = Field(gt=0)
    attempts: int = Field(gt=0)
    retry_first_seconds: float = Field(gt=0)
    retry_most_seconds: float = Field(gt=0)  # between two attempts
    retention_days: int = Field(gt=0)  # of delivered and discarded messages


class AlertSettings(Section):
    deliver: bool  # by the streams' application and `quality` too; false: only by `outbox run`
    incidents: IncidentSettings
    outbox: OutboxSettings
    channels: dict[Annotated[str, Field(pattern=NAME)], Channel | None]  # null removes one of base.yaml

    @property
    def enabled(self) -> Mapping[str, ChannelSettings]:
        """The channels by name."""
        return {name: channel for name, channel in self.channels.items() if channel is not None}

    def channels_for(self, kind: Kind) -> tuple[str, ...]:
        """The names of the channels that take this kind of message."""
        return tuple(name for name, channel in self.enabled.items() if kind in channel.kinds)
