"""Streams from a Kafka, and on an HDFS and YARN, that ask for Kerberos tickets: the oracle's numbers."""

from __future__ import annotations

import random

import pytest

from tests import oracle
from tests.builders import native, random_events
from tests.cluster.kerberos.conftest import USER, Realm, configure
from tests.cluster.kerberos.kdc import REALM
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_kafka_by_keytab_in_a_local_run(secured: System) -> None:
    events = random_events(random.Random("local"), 500)
    sent = list(zip(secured.produce(native(e) for e in events), events, strict=True))
    secured.submit("stream", "--available-now")
    oracle.assert_agrees(secured, sent)


def test_what_kafka_and_the_kdc_refuse_is_told_in_words(secured: System, realm: Realm) -> None:
    options = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI", "sasl.kerberos.service.name": "nobody"}
    secured.configure({"kafka": {"options": options}, "kerberos": realm.kerberos})
    output = secured.submit("validate", status=1)
    assert "Kerberos: the KDC does not know the service's principal (service/host@REALM)" in output
    assert "what to do: address servers by the full host names" in output
    configure(secured, {**realm.kerberos, "principal": f"nobody@{REALM}"})
    output = secured.submit("stream", "--available-now", status=2)
    assert f"has no key of nobody@{REALM}; it has keys of {USER}" in output


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_the_oracles_numbers(secured_on_yarn: System, mode: str) -> None:
    secured_on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    events = random_events(random.Random(mode), 3000)
    sent = list(zip(secured_on_yarn.produce(native(e) for e in events), events, strict=True))
    output = secured_on_yarn.submit("stream", "--available-now", "--env", "cluster")
    assert "inventory" in output  # a driver on the cluster: from YARN's logs
    oracle.assert_agrees(secured_on_yarn, sent)


def test_a_cluster_that_asks_for_tickets_refuses_others(secured_on_yarn: System) -> None:
    secured_on_yarn.configure({"kerberos": {"method": "simple"}})
    output = secured_on_yarn.submit("stream", "--available-now", "--env", "cluster", status=2)
    assert "kerberos.method is simple, but" in output
