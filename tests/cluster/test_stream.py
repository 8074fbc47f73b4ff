"""Streams on YARN, in both deploy modes: the oracle's numbers, status and last words; nothing tells a secret."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests import oracle
from tests.builders import native, random_events
from tests.cluster.hadoop import Hadoop
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
MODES = ["client", "cluster"]


@pytest.mark.parametrize("mode", MODES)
def test_the_oracles_numbers(on_yarn: System, hadoop: Hadoop, mode: str) -> None:
    on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    events = random_events(random.Random(mode), 3000)
    sent = list(zip(on_yarn.produce(native(e) for e in events), events, strict=True))
    on_yarn.produce([b"{"])
    output = on_yarn.submit("stream", "--available-now", "--env", "cluster")
    assert "1 quarantined" in output
    assert on_yarn.query("SELECT count(*) FROM castro.quarantine WHERE reason = 'not_json'") == [(1,)]
    oracle.assert_agrees(on_yarn, sent)


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_is_told_where_the_job_was_called(on_yarn: System, mode: str) -> None:
    on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    on_yarn.topics = {"inventory": "no.such.topic"}
    on_yarn.configure({})
    output = on_yarn.submit("stream", "--available-now", "--env", "cluster", status=1)
    assert "error: there is no topic no.such.topic" in output
    assert "what to do: " in output
    output = on_yarn.submit("stream", "--nothing", "--env", "cluster", status=2)
    assert "No such option" in output


def test_secrets_are_only_in_their_files(on_yarn: System, hadoop: Hadoop) -> None:
    """Neither in arguments, environments, configurations and logs of the containers, nor in Spark's event log."""
    on_yarn.env["CASTRO_DEPLOY_MODE"] = "cluster"
    events = hadoop.folder / "events"
    events.mkdir()
    events.chmod(0o777)
    on_yarn.env["CASTRO_SPARK_SUBMIT_ARGS"] += f" --conf spark.eventLog.enabled=true --conf spark.eventLog.dir=file:{events}"
    names = {"CASTRO_POSTGRES_PASSWORD_FILE": "castro-postgres-password", "CASTRO_REDIS_PASSWORD_FILE": "castro-redis-password"}
    secrets = {name: Path(on_yarn.env[variable]).read_text().strip() for variable, name in names.items()}
    before = set(hadoop.local_files())
    on_yarn.produce([native(e) for e in random_events(random.Random(1), 10)])
    output = on_yarn.submit("stream", "--available-now", "--env", "cluster")
    written = [path for path in hadoop.local_files() if path not in before]
    assert any(path.name == "launch_container.sh" for path in written)
    assert any(path.is_file() for path in events.rglob("*"))
    for name, secret in secrets.items():
        assert secret not in output
        telling = {path.name for path in [*written, *events.rglob("*")] if path.is_file() and secret.encode() in path.read_bytes()}
        assert telling <= {name}
