"""Tasks for the Django application's Celery workers, sent by name over a Redis broker.

Guarantee: a task is sent at least once, each time with the same id: the message's. Celery does not compare ids, and it
redelivers a task whose worker died, so a worker may run it more than once. The argument `cause` identifies it: a task
that must take effect once compares that with what it has done (docs/design/outbox.md).
"""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from celery import Celery
from kombu.connection import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from castro_spark.channels.channel import Message, Unavailable
from castro_spark.sections.alerts import CelerySettings
from castro_spark.sections.servers import RedisSettings

_REUSED_SECONDS = 1.0


class CeleryChannel:
    """Sends each message as the task of its kind, without Celery's retries. A connection serves a burst of messages.

    `cache`: the server, user, password and authority to use where the channel's settings name no broker.
    """

    def __init__(self, settings: CelerySettings, cache: RedisSettings) -> None:
        self._settings = settings
        url = settings.broker or cache.url
        self._where = urlsplit(url).netloc or url
        self._broker = broker(settings, cache) | {
            "connect_timeout": settings.timeout_seconds,
            "transport_options": {
                "socket_timeout": settings.timeout_seconds,
                "socket_connect_timeout": settings.timeout_seconds,
                "max_retries": 0,
            },
        }
        self._idle: tuple[Any, float] | None = None  # a connection that worked, and when it was used last
        self._app = Celery("castro_spark", set_as_current=False, fixups=[], changes={
            "task_serializer": "json", "task_ignore_result": True, "task_publish_retry": False,
            "broker_connection_retry": False, "worker_hijack_root_logger": False,
        })  # fmt: skip

    def send(self, message: Message) -> None:
        """The payload's items and `cause` are the task's keyword arguments."""
        connection = self._connection()
        try:
            self._app.send_task(
                self._settings.task(message.kind),
                kwargs={**message.payload, "cause": message.cause},
                task_id=str(message.id), queue=self._settings.queue, connection=connection, retry=False,
                ignore_result=True,
            )  # fmt: skip
        except (RedisError, KombuError, OSError) as error:
            connection.release()
            raise Unavailable(f"broker {self._where}: {_words(error)}") from None
        self._idle = connection, time.monotonic()

    def _connection(self) -> Any:
        """The connection of the message before, if that was just now; else a new one: an older one may be broken.

        It is taken out while it is used, so that an attempt that hangs shares it with no other one.
        """
        idle, self._idle = self._idle, None
        if idle is not None:
            connection, used = idle
            if time.monotonic() - used < _REUSED_SECONDS:
                return connection
            with suppress(RedisError, KombuError, OSError):
                connection.release()
        return Connection(**self._broker)  # type: ignore[no-untyped-call]


def broker(settings: CelerySettings, cache: RedisSettings) -> dict[str, Any]:
    """Arguments of kombu's Connection: where the broker is, who logs in, and whom to trust."""
    own = settings.broker is not None
    password = settings.password if own else cache.password
    trusts_own = own or settings.ca_file is not None
    authority = {"ssl_ca_certs": settings.ca_file} if trusts_own else {"ssl_ca_data": cache.ca_certificates}
    return _address(settings.broker or cache.url, authority) | {
        "userid": settings.username if own else cache.username,
        "password": password.get_secret_value() if password else None,
    }


def _address(url: str, authority: dict[str, str | None]) -> dict[str, Any]:
    """The parts of the URL as Connection's arguments. `authority`: whom to trust; None: the system's certificates."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        database = dict(parse_qsl(parts.query)).get("db", "0")
        return {"hostname": f"redis+socket://{parts.path}?virtual_host={database}"}
    address: dict[str, Any] = {
        "hostname": parts.hostname, "port": parts.port or 6379, "transport": "redis",
        "virtual_host": parts.path.strip("/") or "0",
    }  # fmt: skip
    if parts.scheme == "rediss":
        address["ssl"] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, **authority}
    return address


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "timeout" in f"{type(error).__name__} {error}".lower():
        return "no answer in time"
    return str(error).partition("\n")[0] or type(error).__name__
