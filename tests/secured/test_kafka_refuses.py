"""Kafka with TLS, SCRAM and ACLs: whom it refuses, and what castro_spark says about it."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic
from pyspark.sql import SparkSession

from castro_spark.errors import KafkaRefused, KafkaUnavailable, SourceError
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.topics import create_topics, topic_state
from castro_spark.streaming.verdict import verdict
from tests.secured.authority import Authorities
from tests.secured.rights import PASSWORD, USER, allow
from tests.secured.servers import SecuredKafka
from tests.secured.system import SecuredSystem

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
TOPIC, FORBIDDEN = "allowed", "forbidden"


@pytest.fixture(scope="module")
def topics(kafka: SecuredKafka) -> None:
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{kafka.port}"})
    for future in admin.create_topics([NewTopic(topic, 1) for topic in (TOPIC, FORBIDDEN)]).values():
        future.result(30)
    allow(kafka, TOPIC, AclOperation.READ)


@pytest.fixture
def settings(kafka: SecuredKafka, authorities: Authorities, topics: None) -> Any:
    def made(**changes: Any) -> KafkaSettings:
        options = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"} | changes.pop("options", {})
        ca = changes.pop("ca", authorities.ca)
        values = {"bootstrap_servers": f"localhost:{kafka.secured_port}", "sasl_username": USER, "sasl_password": PASSWORD}
        if "SASL" not in options["security.protocol"]:
            values = {"bootstrap_servers": values["bootstrap_servers"]}
        if ca and "SSL" in options["security.protocol"].split("_"):
            values |= {"ca_file": str(ca), "ca_certificates": ca.read_text()}
        return KafkaSettings(**(values | changes), options=options)

    return made


def refused(spark: SparkSession, settings: KafkaSettings, topic: str = TOPIC) -> SourceError:
    with pytest.raises(SourceError) as raised:
        topic_state(spark, settings, topic)
    assert PASSWORD not in str(raised.value)
    return raised.value


def test_lets_in(spark: SparkSession, settings: Any) -> None:
    assert topic_state(spark, settings(), TOPIC).ends == {0: 0}


@pytest.mark.parametrize(
    ("changes", "problem", "remedy"),
    [
        ({"ca": "other"}, "is not signed by an authority that is trusted", "let kafka.ca_file name"),
        ({"ca": None}, "is not signed by an authority that is trusted", "let kafka.ca_file name"),
        ({"host": "127.0.0.1"}, "certificate was not issued for this name (No subject alternative names", "let kafka.bootstrap_servers"),
        ({"port": "expired_port"}, "the brokers' certificate has expired (NotAfter: ", "renew it"),
        ({"sasl_password": "wrong"}, "the user or the password is refused", "check kafka.sasl_username"),
        ({"sasl_username": "nobody"}, "the user or the password is refused", "check kafka.sasl_username"),
        ({"topic": FORBIDDEN}, "this user has no right on the topic, or it does not exist", "--operation Read"),
        ({"options": {"sasl.mechanism": "PLAIN"}}, "the brokers take no login by PLAIN", "one that they have: SCRAM-SHA-512"),
        ({"options": {"ssl.keystore.type": "PEM", "ssl.keystore.location": "/nowhere"}}, "options cannot be used: Failed to load PEM", "kafka.options"),
        ({"options": {"security.protocol": "PLAINTEXT"}}, "speaks TLS, and this client does not", "SASL_SSL or SSL"),
        ({"options": {"security.protocol": "SASL_PLAINTEXT"}}, "speaks TLS, and this client does not", "SASL_SSL or SSL"),
        ({"port": "port", "host": "127.0.0.1"}, "does not speak TLS, and this client does", "is it the right port?"),
        ({"port": "port", "host": "127.0.0.1", "options": {"security.protocol": "SASL_PLAINTEXT"}}, "take no login at this port", "right port?"),
    ],
)  # fmt: skip
def test_says_why_and_what_to_do(
    spark: SparkSession, settings: Any, kafka: SecuredKafka, authorities: Authorities, changes: dict[str, Any], problem: str, remedy: str
) -> None:
    changes = dict(changes)
    topic = changes.pop("topic", TOPIC)
    if changes.get("ca") == "other":
        changes["ca"] = authorities.other_ca
    if {"host", "port"} & changes.keys():
        port = getattr(kafka, changes.pop("port", "secured_port"))
        changes["bootstrap_servers"] = f"{changes.pop('host', 'localhost')}:{port}"
    error = refused(spark, settings(**changes), topic)
    assert isinstance(error, KafkaRefused)
    assert not verdict(error, claimed=True).restart
    assert problem in error.problem
    assert remedy in error.remedy


def test_a_login_that_is_wanted_is_only_guessed(spark: SparkSession, settings: Any) -> None:
    error = refused(spark, settings(options={"security.protocol": "SSL"}))
    assert isinstance(error, KafkaUnavailable)
    assert "do they want a login (security.protocol: SASL_SSL)?" in error.remedy


def test_no_right_to_create(spark: SparkSession, settings: Any) -> None:
    (error,) = create_topics(spark, settings(), {"new": 1}).values()
    assert isinstance(error, KafkaRefused)
    assert "--skip-topics" in error.remedy


def test_a_stream_that_may_see_its_topic_and_not_read_it_ends(secured: SecuredSystem, kafka: SecuredKafka) -> None:
    """The brokers refuse the readers, which are Spark's: the error is within Spark's own."""
    secured.deny_read("inventory")
    secured.produce([b"{"])
    output = secured.job("stream", "--available-now", status=1)
    assert "this user has no right on the topic, or it does not exist" in output
    assert f"topic {secured.topic}" in output
    assert "kafka-acls --add --operation Read" in output
    status = secured.job("status", status=1)
    assert "kafka_refused" in status
    assert "no right on the topic" in status
