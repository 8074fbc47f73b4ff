"""A realm with a small Hadoop and a Kafka in it, and a system whose jobs log in there by a keytab."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from castro_spark.local import Stack
from tests.cluster.conftest import SUBMIT
from tests.cluster.hadoop import Hadoop
from tests.cluster.kerberos.broker import SecuredKafka, secured_stack
from tests.cluster.kerberos.hadoop import secured_hadoop
from tests.cluster.kerberos.kdc import REALM, Kdc
from tests.system import ROOT, System

USER = f"inventory-ml@{REALM}"
TOKEN_RENEWAL_SECONDS, TOKEN_LIFE_SECONDS = 60, 120


@dataclass(frozen=True)
class Realm:
    """The KDC, and the job's keytab."""

    kdc: Kdc
    keytab: Path

    @property
    def kerberos(self) -> dict[str, Any]:
        """The settings with which jobs log in."""
        return {"method": "kerberos", "principal": USER, "keytab": str(self.keytab), "krb5_conf": str(self.kdc.krb5_conf)}


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    folder = tmp_path_factory.mktemp("realm")
    kdc = Kdc(folder / "kdc", ticket_life="2m")
    yield Realm(kdc, kdc.keytab(folder / "inventory-ml.keytab", USER))
    kdc.stop()


@pytest.fixture(scope="session")
def servers(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, SecuredKafka]]:
    stack, kafka = secured_stack(tmp_path_factory.mktemp("secured"), realm.kdc)
    with stack:
        yield stack, kafka


@pytest.fixture
def secured(servers: tuple[Stack, SecuredKafka], realm: Realm, tmp_path: Path) -> Iterator[System]:
    """A clean system whose jobs reach Kafka by Kerberos only; they run here."""
    stack, kafka = servers
    system = System(stack, tmp_path)
    system.migrate()
    system.env.pop("SPARK_SUBMIT_OPTS", None)
    system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"] = kafka.secured
    configure(system, realm.kerberos)
    yield system
    system.end()


def configure(system: System, kerberos: dict[str, Any]) -> None:
    options = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI"}
    system.configure({"kafka": {"options": options}, "kerberos": kerberos, "streaming": {"executor_staging_rows": 1}})


@pytest.fixture(scope="session")
def secured_cluster(realm: Realm) -> Iterator[Hadoop]:
    cluster = secured_hadoop(realm.kdc, token_renewal_seconds=TOKEN_RENEWAL_SECONDS, token_life_seconds=TOKEN_LIFE_SECONDS)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def secured_stage(secured_cluster: Hadoop, realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The product on the secured HDFS; returns what `package` printed."""
    env = os.environ | {
        "HADOOP_CONF_DIR": str(secured_cluster.folder / "conf"), "CASTRO_KERBEROS_METHOD": "kerberos",
        "CASTRO_KERBEROS_PRINCIPAL": USER, "CASTRO_KERBEROS_KEYTAB": str(realm.keytab), "KRB5_CONFIG": str(realm.kdc.krb5_conf),
    }  # fmt: skip
    command = [str(ROOT / "spark-submit.sh"), "package", "--stage", f"{secured_cluster.uri}/castro/stage"]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def secured_on_yarn(secured: System, secured_cluster: Hadoop, secured_stage: str) -> System:
    """A clean system whose `submit` and `start` run jobs on the secured cluster (with --env cluster)."""
    for name in ("CASTRO_CLASS_PATH_FOLDER", "CASTRO_MASTER"):
        secured.env.pop(name, None)
    secured.env |= {
        "HADOOP_CONF_DIR": str(secured_cluster.folder / "conf"), "CASTRO_SPARK_SUBMIT_ARGS": SUBMIT, "SPARK_LOCAL_IP": "127.0.0.1",
        "CASTRO_CHECKPOINT_DIR": f"{secured_cluster.uri}/castro/{secured.database}/checkpoints",
        "CASTRO_ARCHIVE_DIR": f"{secured_cluster.uri}/castro/{secured.database}/archive",
    }  # fmt: skip
    return secured
