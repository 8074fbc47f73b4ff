"""The Java client's options as librdkafka's."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from castro_spark.quality.topics import LazyTopics
from castro_spark.sections.servers import KafkaSettings
from castro_spark.settings import load_settings
from castro_spark.sources.kafka.ends import NotNative, native_options

SCRAM = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}
JAAS = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p\\"q";'


def native(options: dict[str, str], replaced: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    settings = KafkaSettings.model_validate({"bootstrap_servers": "k:9092", "options": options, **more})
    return native_options(settings, replaced or {})


def test_plain_and_unrelated_options() -> None:
    assert native({"max.poll.records": "5", "client.id": "c"}) == {"bootstrap.servers": "k:9092", "client.id": "c"}


def test_credentials() -> None:
    expected = {"bootstrap.servers": "k:9092", **SCRAM, "sasl.username": "u", "sasl.password": 'p"q'}
    assert native(SCRAM, sasl_username="u", sasl_password='p"q') == expected
    assert native(SCRAM, secret_options={"sasl.jaas.config": JAAS}) == expected


def test_files_of_keys() -> None:
    pem = {"ssl.truststore.type": "PEM", "ssl.truststore.location": "/ca.pem", "ssl.keystore.type": "PEM",
           "ssl.keystore.location": "/me.pem", "ssl.endpoint.identification.algorithm": ""}  # fmt: skip
    assert native({"security.protocol": "SSL", **pem}, secret_options={"ssl.key.password": "k"}) == {
        "bootstrap.servers": "k:9092", "security.protocol": "SSL", "ssl.ca.location": "/ca.pem",
        "ssl.certificate.location": "/me.pem", "ssl.key.location": "/me.pem", "ssl.key.password": "k",
        "ssl.endpoint.identification.algorithm": "none",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI"}, "Kerberos"),
        ({"security.protocol": "SASL_SSL"}, "Kerberos"),  # Java's default
        ({"ssl.truststore.location": "/ca.jks"}, "ssl.truststore.type JKS"),
        ({"ssl.truststore.location": "/ca.p12", "ssl.truststore.type": "PKCS12"}, "ssl.truststore.type PKCS12"),
        ({"sasl.login.callback.handler.class": "x", **SCRAM}, "sasl.login.callback.handler.class"),
        ({"sasl.mechanism": "OAUTHBEARER", "sasl.jaas.config": "x required;"}, "sasl.jaas.config"),
    ],
)
def test_what_librdkafka_has_not(options: dict[str, str], named: str) -> None:
    with pytest.raises(NotNative, match=named):
        native(options)


def test_options_that_replace_those_of_java() -> None:
    own = {"ssl.ca.location": "/ca.pem"}
    assert native({"security.protocol": "SSL", "ssl.truststore.location": "/ca.jks"}, own) == {
        "bootstrap.servers": "k:9092", "security.protocol": "SSL", **own,
    }  # fmt: skip


def test_a_jvm_is_started_for_what_librdkafka_has_not() -> None:
    class Started(Exception):
        pass

    def session() -> Any:
        raise Started

    plain = load_settings(environ={})
    kerberos = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI"}
    topics = LazyTopics(plain.model_copy(update={"kafka": plain.kafka.model_copy(update={"options": kerberos})}), session)
    with pytest.raises(Started):
        topics.ends("t")


@pytest.mark.parametrize("options", [{}, {**SCRAM, "ssl.endpoint.identification.algorithm": ""}])
def test_librdkafka_takes_them(options: dict[str, str]) -> None:
    given = {"sasl_username": "u", "sasl_password": "p"} if options else {}
    AdminClient({**native(options, **given), "log_level": 0})
