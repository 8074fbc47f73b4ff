"""What brokers know of a topic without a record being read: its id, each partition's bounds, and record times.

By librdkafka's AdminClient, which needs no JVM and joins no consumer group. It takes the settings of Kafka's Java
client where it has the same option, perhaps in another form. What it has not (Kerberos, Java's keystores) is left to
the client in a JVM (ends_jvm.py): `native_options` raises NotNative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol, TypeVar

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin import OffsetSpec as _OffsetSpec  # type: ignore[attr-defined]  # not in its __all__

from castro_spark.errors import KafkaRefused, KafkaUnavailable, SourceError, TopicMissing
from castro_spark.sections.servers import KafkaSettings

_URL_SAFE = str.maketrans("+/", "-_")  # librdkafka writes ids in plain base64, Java in the one for URLs
_GRACE_SECONDS = 5.0  # beyond the client's own time-out
_REMEDY = "check kafka.bootstrap_servers, its security options, and that the brokers run"
_SAME = {
    "security.protocol", "sasl.mechanism", "client.id", "client.dns.lookup", "ssl.key.password",
    "ssl.endpoint.identification.algorithm", "ssl.keystore.certificate.chain", "ssl.keystore.key",
    "ssl.truststore.certificates",
}  # fmt: skip
_PEM = {
    "ssl.keystore.certificate.chain": "ssl.certificate.pem", "ssl.keystore.key": "ssl.key.pem",
    "ssl.truststore.certificates": "ssl.ca.pem",
}  # fmt: skip
_CREDENTIALS = re.compile(r'\b(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')
R = TypeVar("R")
_Spec: Any = _OffsetSpec  # its methods are untyped


class NotNative(Exception):
    """An option has no counterpart in librdkafka; the message names it."""


@dataclass(frozen=True)
class Newest:
    """The record with the greatest time: its offset, and that time (the greatest instant, if it is no date)."""

    offset: int
    at: datetime


@dataclass(frozen=True)
class TopicEnds:
    """A topic's id, and by partition: its first offset, its end, the end of what is committed (before any open
    transaction), and the record with the greatest time; no entry: there is no record."""

    id: str
    beginnings: dict[int, int]
    ends: dict[int, int]
    committed: dict[int, int]
    newest: dict[int, Newest]


class Topics(Protocol):
    """Asks the brokers. Raises TopicMissing, KafkaUnavailable or KafkaRefused."""

    def ends(self, topic: str) -> TopicEnds:
        """The topic as it is now."""

    def offsets_at(self, topic: str, partitions: list[int], at: datetime) -> dict[int, int]:
        """The first offset of each partition whose record is not older than `at`; no entry: there is none."""


class NativeTopics:
    """Topics by librdkafka. After a failure to reach the brokers every call fails at once."""

    def __init__(
        self, settings: KafkaSettings, replaced: Mapping[str, str] | None = None, timeout_seconds: float = 10.0
    ) -> None:
        self._servers = settings.bootstrap_servers
        self._timeout = timeout_seconds
        self._error: SourceError | None = None
        self._last_trouble: KafkaError | None = None
        options = {**native_options(settings, replaced or {}), "error_cb": self._note, "log_level": 0}
        try:
            self._client = AdminClient(options)
        except KafkaException as error:
            raise KafkaRefused(f"Kafka at {self._servers}: {error.args[0].str()}", _REMEDY) from None

    def ends(self, topic: str) -> TopicEnds:
        described = self._get(topic, lambda: self._client.describe_topics(
            TopicCollection([topic]), request_timeout=self._timeout)[topic])  # fmt: skip
        partitions = [p.id for p in described.partitions]
        beginnings = self._list(topic, partitions, _Spec.earliest())
        committed = self._list(topic, partitions, _Spec.latest(), IsolationLevel.READ_COMMITTED)
        ends = self._list(topic, partitions, _Spec.latest())
        newest = self._list(topic, partitions, _Spec.max_timestamp())
        return TopicEnds(
            str(described.topic_id).translate(_URL_SAFE),
            {p: info.offset for p, info in beginnings.items()},
            {p: info.offset for p, info in ends.items()},
            {p: info.offset for p, info in committed.items()},
            {p: Newest(info.offset, instant(info.timestamp)) for p, info in newest.items() if info.offset >= 0},
        )

    def offsets_at(self, topic: str, partitions: list[int], at: datetime) -> dict[int, int]:
        spec = _Spec.for_timestamp(int(at.timestamp() * 1000))
        return {p: info.offset for p, info in self._list(topic, partitions, spec).items() if info.offset >= 0}

    def _list(
        self, topic: str, partitions: list[int], spec: Any, level: Any = IsolationLevel.READ_UNCOMMITTED
    ) -> dict[int, Any]:
        asked = {TopicPartition(topic, p): spec for p in partitions}
        futures = self._client.list_offsets(asked, isolation_level=level, request_timeout=self._timeout)
        return {key.partition: self._get(topic, lambda future=future: future) for key, future in futures.items()}  # type: ignore[misc]

    def _get(self, topic: str, ask: Callable[[], Future[R]]) -> R:
        if self._error is not None:
            raise self._error
        try:
            return ask().result(self._timeout + _GRACE_SECONDS)
        except KafkaException as error:
            self._client.poll(0)  # delivers what the client noted meanwhile
            raise self._known(error.args[0], topic) from None
        except TimeoutError:
            raise self._known(KafkaError(KafkaError._TIMED_OUT), topic) from None

    def _known(self, error: KafkaError, topic: str) -> SourceError:
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            return TopicMissing(
                f"there is no topic {topic} at {self._servers}",
                "create it: ./spark-submit.sh migrate (or ask who runs the brokers)",
            )
        noted = self._last_trouble or error
        if noted.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL):
            self._error = KafkaRefused(f"Kafka at {self._servers}: {noted.str()}", _REMEDY)
            return self._error
        if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
            return KafkaRefused(f"Kafka at {self._servers}, topic {topic}: {error.str()}", _REMEDY)
        self._error = KafkaUnavailable(f"Kafka at {self._servers}: {noted.str()}", _REMEDY)
        return self._error

    def _note(self, error: KafkaError) -> None:
        self._last_trouble = error


def native_options(settings: KafkaSettings, replaced: Mapping[str, str]) -> dict[str, Any]:
    """librdkafka's options for the settings of the Java client. `replaced`: options of librdkafka; one that begins with
    ssl. replaces all of Java's ssl options. Raises NotNative."""
    options = {**settings.options, **{n: v.get_secret_value() for n, v in settings.secret_options.items()}}
    security = {n: v for n, v in options.items() if n.startswith(("ssl.", "sasl.")) or n in _SAME}
    if any(name.startswith("ssl.") for name in replaced):
        security = {n: v for n, v in security.items() if not n.startswith("ssl.") or n == "ssl.key.password"}
    native: dict[str, Any] = {"bootstrap.servers": settings.bootstrap_servers}
    if security.get("sasl.mechanism", "").upper() == "GSSAPI" or (
        "sasl.mechanism" not in security and security.get("security.protocol", "").upper().startswith("SASL_")
    ):
        raise NotNative("Kerberos (sasl.mechanism GSSAPI)")
    if settings.sasl_username is not None and settings.sasl_password is not None:
        native["sasl.username"] = settings.sasl_username
        native["sasl.password"] = settings.sasl_password.get_secret_value()
    elif jaas := security.pop("sasl.jaas.config", None):
        found = dict(_CREDENTIALS.findall(jaas))
        if set(found) != {"username", "password"}:
            raise NotNative("sasl.jaas.config without a user and a password")
        native |= {f"sasl.{name}": re.sub(r"\\(.)", r"\1", text) for name, text in found.items()}
    native |= _stores(security)
    for name, value in security.items():
        if name not in _SAME:
            raise NotNative(name)
        # Java has "" where librdkafka has "none".
        native[_PEM.get(name, name)] = (value or "none") if name.endswith("identification.algorithm") else value
    return native | dict(replaced)


def _stores(security: dict[str, str]) -> dict[str, str]:
    """The files of keys and certificates; takes their options out of `security`."""
    native: dict[str, str] = {}
    for store, names in (
        ("truststore", ("ssl.ca.location",)), ("keystore", ("ssl.certificate.location", "ssl.key.location")),
    ):  # fmt: skip
        kind = security.pop(f"ssl.{store}.type", "JKS").upper()
        path = security.pop(f"ssl.{store}.location", None)
        password = security.pop(f"ssl.{store}.password", None)
        if path is None:
            continue
        if kind == "PEM":
            native |= dict.fromkeys(names, path)
        elif kind == "PKCS12" and store == "keystore":
            native |= {"ssl.keystore.location": path, "ssl.keystore.password": password or ""}
        else:
            raise NotNative(f"ssl.{store}.type {kind}")
    return native


def instant(milliseconds: int) -> datetime:
    """A Kafka timestamp; the greatest instant where it is too great for milliseconds."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=timezone.utc)
