"""Any service that the library apprise knows (Slack, Telegram, Teams and many others); an optional dependency.

Guarantee: a message is delivered once apprise reports success. It says little about failures, so all but an unusable
URL count as passing; a repeated delivery looks like a new message.
"""

from __future__ import annotations

from castro_spark.channels.channel import Message, Unavailable
from castro_spark.errors import SettingsError
from castro_spark.sections.alerts import AppriseSettings


class AppriseChannel:
    """Sends each message to the one service of the URL."""

    def __init__(self, name: str, settings: AppriseSettings) -> None:
        try:
            import apprise  # noqa: PLC0415  optional
        except ImportError:
            raise SettingsError(
                f"alerts.channels.{name}: type apprise needs the library apprise, which is not installed",
                "pip install 'castro-spark[alerts]' into the environment of the job (CASTRO_VENV)",
            ) from None
        assert settings.secret_url is not None
        self._timeout = settings.timeout_seconds
        self._types = apprise.NotifyType
        self._service = apprise.Apprise()
        if not self._service.add(settings.secret_url.get_secret_value()) or len(self._service) != 1:
            raise SettingsError(
                f"CASTRO_ALERTS_{name.upper()}_URL: apprise does not know this as the URL of one service",
                "https://appriseit.com lists the forms; one channel is one service",
            )

    def send(self, message: Message) -> None:
        firing = message.payload.get("status") != "resolved"
        kind = self._types.WARNING if firing else self._types.SUCCESS
        if firing and message.payload.get("severity") == "critical":
            kind = self._types.FAILURE
        result = self._service.notify(
            body=f"{message.summary}\n{message.kind} {message.id}", title="castro_spark", notify_type=kind,
            timeout=self._timeout,
        )  # fmt: skip
        if not result:
            raise Unavailable(f"apprise reports {result.status}: the service did not take it")
