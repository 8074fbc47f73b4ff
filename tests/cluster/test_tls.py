"""Streams on YARN, with servers that take TLS and logins only: the oracle's numbers; no certificate is put on the nodes,
and no password is to be seen."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from castro_spark.properties_file import format_properties
from castro_spark.sources.kafka.options import jaas
from tests import oracle
from tests.builders import native, random_events
from tests.cluster.hadoop import Hadoop
from tests.cluster.kept import Kept
from tests.secured.authority import Authorities
from tests.secured.conftest import authorities, kafka, password_file, postgres, redis_server, servers_folder  # noqa: F401
from tests.secured.rights import PASSWORD, USER
from tests.secured.servers import SecuredKafka, SecuredPostgres, SecuredRedis
from tests.secured.system import SecuredServers, SecuredSystem

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture
def secured_on_yarn(
    kafka: SecuredKafka, postgres: SecuredPostgres, redis_server: SecuredRedis, authorities: Authorities,  # noqa: F811
    password_file: Path, hadoop: Hadoop, cluster_env: dict[str, str], staged: str, tmp_path: Path,  # noqa: F811
) -> Iterator[SecuredSystem]:  # fmt: skip
    system = SecuredSystem(SecuredServers(kafka, postgres, redis_server, authorities, password_file), tmp_path)
    system.migrate(topics=False)
    system.create_topics()
    for name in ("SPARK_SUBMIT_OPTS", "CASTRO_CLASS_PATH_FOLDER", "CASTRO_MASTER"):
        system.env.pop(name, None)
    system.env |= cluster_env
    system.env["CASTRO_CHECKPOINT_DIR"] = f"{hadoop.uri}/castro/{system.database}/checkpoints"
    system.configure({"streaming": {"executor_staging_rows": 1}})
    system.topics = {"inventory": system.topic}  # the jobs are run for this one
    yield system
    system.end()


def kafka_login_by_file(system: SecuredSystem) -> None:
    """In a file that is sent, to which the plans only refer; else the password is in them, hidden."""
    password = Path(system.env.pop("CASTRO_KAFKA_SASL_PASSWORD_FILE")).read_text().rstrip("\n")
    options = system.folder / "kafka.properties"
    options.write_text(format_properties({"sasl.jaas.config": jaas("SCRAM-SHA-512", USER, password)}))
    system.env["CASTRO_KAFKA_OPTIONS_FILE"] = str(options)
    options_of = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}
    system.configure({"kafka": {"options": options_of, "options_file_on_nodes": True}, "streaming": {"executor_staging_rows": 1}})


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_the_oracles_numbers(secured_on_yarn: SecuredSystem, hadoop: Hadoop, mode: str) -> None:
    secured_on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    if mode == "cluster":
        kafka_login_by_file(secured_on_yarn)
    kept = Kept(hadoop, secured_on_yarn)
    events = random_events(random.Random(mode), 500)
    sent = list(zip(secured_on_yarn.produce(native(e) for e in events), events, strict=True))
    output = secured_on_yarn.submit("stream", "--available-now", "--env", "cluster")
    oracle.assert_agrees(secured_on_yarn, sent)
    canary, _, _ = PASSWORD.partition(" ")  # without what each file escapes in its own way
    assert canary not in output
    files = {path.name for path, content in kept.contents().items() if canary.encode() in content}
    names = {"castro-kafka-options", "castro-postgres-password", "castro-redis-password"}
    assert files == (names if mode == "cluster" else set())
