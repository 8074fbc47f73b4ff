"""JSON by POST, in the shape of Alertmanager's webhook, version 4: what takes Alertmanager's alerts takes these.

Guarantee: a message is delivered once the receiver answered with 2xx. A repeated delivery (a lost answer, a killed
process) has the same `Idempotency-Key`; an alert's `fingerprint` is the same for all messages about one incident.
Redirects are not followed.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3

from castro_spark.channels.channel import Message, Refused, Unavailable
from castro_spark.sections.alerts import WebhookSettings

_OPEN_END = "0001-01-01T00:00:00Z"  # Alertmanager's way to say that an alert has not ended
_PASSING = frozenset({408, 421, 423, 425, 429, 500, 502, 503, 504})
_SHOWN = 200  # characters of an answer
_MOST_WAIT = 24 * 3600


class WebhookChannel:
    """Posts each message to the URL, on a connection of its own."""

    def __init__(self, name: str, settings: WebhookSettings) -> None:
        self._name = name
        self._url = settings.address
        self._host = urlsplit(self._url).netloc.rpartition("@")[2]
        self._token = settings.token.get_secret_value() if settings.token else None
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=settings.timeout_seconds, read=settings.timeout_seconds),
            retries=False, cert_reqs="CERT_REQUIRED", ca_certs=settings.ca_file,
        )  # fmt: skip

    def send(self, message: Message) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(message.id), "User-Agent": "castro_spark"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps(alertmanager(message, self._name), ensure_ascii=False).encode()
        try:
            answer = self._http.request(
                "POST", self._url, body=body, headers=headers, redirect=False, preload_content=False
            )
            try:
                status, words = answer.status, _words(answer.read(_SHOWN))
                wait = answer.headers.get("Retry-After")
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            # Its text would repeat the URL.
            raise Unavailable(f"{self._host}: {_kind(error)}") from None
        if 200 <= status < 300:  # noqa: PLR2004
            return
        if status in _PASSING:
            raise Unavailable(f"{self._host} answers {status} {words}".rstrip(), _seconds(wait))
        raise Refused(f"{self._host} answers {status} {words}".rstrip())


def alertmanager(message: Message, receiver: str) -> dict[str, Any]:
    """The message as the body of Alertmanager's webhook, version 4, with one alert.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """
    payload = message.payload
    about = payload.get("subject") or payload.get("product_code")
    labels = {
        "alertname": str(payload.get("check") or message.kind),
        "severity": str(payload.get("severity") or "warning"),
        "kind": message.kind,
        **({"subject": str(about)} if about is not None else {}),
        **({"incident": str(payload["incident"])} if "incident" in payload else {}),
    }
    annotations = {"summary": message.summary, "cause": message.cause}
    for key in ("words", "observed", "limit", "outcome", "event", "count", "ended_by", "ended_because", "reason"):
        if payload.get(key) is not None:
            annotations[key] = str(payload[key])
    if payload.get("evidence"):
        annotations["evidence"] = json.dumps(payload["evidence"], ensure_ascii=False)
    status = str(payload.get("status") or "firing")
    group = message.series or message.cause
    alert = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": str(payload.get("opened_at") or message.created_at.isoformat()),
        "endsAt": str(payload.get("ended_at") or _OPEN_END),
        "generatorURL": "",
        "fingerprint": hashlib.sha256(group.encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [alert],
    }


def _words(answer: bytes) -> str:
    return " ".join(answer.decode("utf-8", errors="replace").split())


def _kind(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "the host's name is not known"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return type(error).__name__


def _seconds(retry_after: str | None) -> float | None:
    """The header Retry-After, which is a number of seconds or a date; None without one, or for anything else."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _MOST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return min(max((until - datetime.now(timezone.utc)).total_seconds(), 0.0), _MOST_WAIT)
