"""Streams from a Kafka, and on an HDFS and YARN, that ask for Kerberos tickets: the oracle's numbers."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pyspark
import pytest

from castro_spark.hadoop.shell import hadoop
from castro_spark.kerberos.login import hadoop_login
from castro_spark.sections.servers import KerberosSettings
from tests import oracle
from tests.builders import native, random_events
from tests.cluster.hadoop import Hadoop
from tests.cluster.kerberos.conftest import USER, Realm, configure
from tests.cluster.kerberos.kdc import REALM
from tests.cluster.key_store import put_credential
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


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


def test_secrets_on_hdfs_are_read_by_the_keytab(
    secured_on_yarn: System, secured_cluster: Hadoop, realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file and a credential of a key store: by a job at the caller, and by a driver on the cluster."""
    monkeypatch.setenv("HADOOP_CONF_DIR", secured_on_yarn.env["HADOOP_CONF_DIR"])
    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    login = hadoop_login(KerberosSettings(**realm.kerberos), os.environ)
    folder = f"{secured_cluster.uri}/castro/{secured_on_yarn.database}"
    postgres, redis = (Path(secured_on_yarn.env[f"CASTRO_{server}_PASSWORD_FILE"]) for server in ("POSTGRES", "REDIS"))
    store = f"jceks://{folder.replace('://', '@')}/castro.jceks"
    hadoop("-mkdir", "-p", folder, login=login)
    hadoop("-put", str(postgres), f"{folder}/postgres.secret", login=login)
    put_credential(store, "redis", redis.read_text().strip(), login)
    secured_on_yarn.env |= {
        "CASTRO_POSTGRES_PASSWORD_FILE": f"{folder}/postgres.secret", "CASTRO_REDIS_PASSWORD_FILE": f"{store}#redis",
        "KRB5CCNAME": f"FILE:{tmp_path}/none", "CASTRO_DEPLOY_MODE": "cluster",
    }  # fmt: skip
    assert "0 open" in secured_on_yarn.submit("quarantine", "list", "--env", "cluster")
    events = random_events(random.Random("secrets"), 10)
    sent = list(zip(secured_on_yarn.produce(native(e) for e in events), events, strict=True))
    secured_on_yarn.submit("stream", "--available-now", "--env", "cluster")
    oracle.assert_agrees(secured_on_yarn, sent)
    configure(secured_on_yarn, {**realm.kerberos, "keytab": "/no/such/keytab"})
    output = secured_on_yarn.submit("quarantine", "list", "--env", "cluster", status=2)
    assert "kerberos.keytab: cannot read /no/such/keytab: No such file or directory" in output


def test_a_cluster_that_asks_for_tickets_refuses_others(secured_on_yarn: System) -> None:
    secured_on_yarn.configure({"kerberos": {"method": "simple"}})
    output = secured_on_yarn.submit("stream", "--available-now", "--env", "cluster", status=2)
    assert "kerberos.method is simple, but" in output
