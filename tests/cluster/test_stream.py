"""Streams on YARN, in both deploy modes: the oracle's numbers, status and last words; nothing tells a secret."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from castro_spark.local.movements import movements
from castro_spark.process.output import JOB_LOG
from tests import archive, oracle
from tests.builders import native, random_events
from tests.cluster.hadoop import Hadoop
from tests.cluster.kept import Kept
from tests.cluster.key_store import put_credential
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
MODES = ["client", "cluster"]


@pytest.mark.parametrize(("mode", "checkpoints"), [("client", None), ("cluster", None), ("cluster", "file:checkpoints")])
def test_the_oracles_numbers(
    on_yarn: System, hdfs: Callable[..., str], mode: str, checkpoints: str | None
) -> None:  # fmt: skip
    """Of random events and of the demo's records, its bad ones included; checkpoints on HDFS, or in the container."""
    on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    if checkpoints:
        on_yarn.env["CASTRO_CHECKPOINT_DIR"] = checkpoints
    events = random_events(random.Random(mode), 3000)
    sent = list(zip(on_yarn.produce(native(e) for e in events), events, strict=True))
    values = list(islice((value for stream, _, value in movements("America/Sao_Paulo") if stream == "inventory"), 2000))
    demo = list(zip(on_yarn.produce(values), map(sound, values), strict=True))
    sent += [(position, data) for position, data in demo if data]
    rejects = [position for position, data in demo if not data] + on_yarn.produce([b"{"])
    output = on_yarn.submit("stream", "--available-now", "--env", "cluster")
    assert sum(map(int, re.findall(r"(\d+) quarantined", output))) == len(rejects)
    assert set(on_yarn.query('SELECT partition, "offset" FROM castro.quarantine')) == set(rejects)
    oracle.assert_agrees(on_yarn, sent)
    hdfs("-get", f"{on_yarn.env['CASTRO_ARCHIVE_DIR']}/inventory", str(on_yarn.folder))
    assert archive.places(on_yarn.folder / "inventory") == sorted([*rejects, *(position for position, _ in sent)])


def sound(value: bytes) -> dict[str, Any] | None:
    """The event in a record of the demo; None for one of its bad records."""
    try:
        data: dict[str, Any] = json.loads(value)["data"]
    except (ValueError, TypeError):
        return None
    return data if data and data["quantidade"] != "12,5" and data["data_movimentacao"] != "2999-01-01" else None


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


@pytest.mark.parametrize(("postgres", "redis"), [("hdfs", "jceks"), ("local", "here")])
def test_secrets_are_only_in_their_files(
    on_yarn: System, hadoop: Hadoop, hdfs: Callable[..., str], postgres: str, redis: str
) -> None:
    """Neither in arguments, environments, configurations and logs of the containers, nor in Spark's event log."""
    on_yarn.env["CASTRO_DEPLOY_MODE"] = "cluster"
    kept = Kept(hadoop, on_yarn)
    folder = hadoop.folder / f"secrets-{on_yarn.database}"  # of this test: the servers' passwords are the same in each
    folder.mkdir()
    secrets: dict[str, str] = {}
    for server, place in (("postgres", postgres), ("redis", redis)):
        variable = f"CASTRO_{server.upper()}_PASSWORD_FILE"
        source = Path(on_yarn.env[variable])
        on_yarn.env[variable], name = placed(hadoop, hdfs, folder, source, server, place)
        secrets[name] = source.read_text().strip()
    on_yarn.produce([native(e) for e in random_events(random.Random(1), 10)])
    output = on_yarn.submit("stream", "--available-now", "--env", "cluster")
    assert on_yarn.query("SELECT sum(next_offset)::int FROM castro.offset_ledger") == [(10,)]
    contents = kept.contents()
    contents |= {path: path.read_bytes() for path in folder.iterdir()}
    assert any(b"castro-variables.properties" in content for content in contents.values())
    assert any(path.name == JOB_LOG and content for path, content in contents.items())
    for name, secret in secrets.items():
        assert secret not in output
        # Its own file, and no other: so the search would have found it elsewhere too.
        assert {path.name for path, content in contents.items() if secret.encode() in content} == {name}
    if postgres == "hdfs":  # the jobs that run beside the cluster take the same settings
        assert "0 open" in on_yarn.submit("quarantine", "list", "--env", "cluster")
        on_yarn.env["CASTRO_POSTGRES_PASSWORD_FILE"] += "-none"
        assert "No such file or directory" in on_yarn.submit("quarantine", "list", "--env", "cluster", status=2)


def placed(
    hadoop: Hadoop, hdfs: Callable[..., str], folder: Path, source: Path, server: str, place: str
) -> tuple[str, str]:
    """Puts a secret's file there; returns how its variable names it, and the name of the file on the nodes."""
    if place == "here":
        return str(source), f"castro-{server}-password"
    if place == "jceks":
        store = f"jceks://{hadoop.uri.replace('://', '@')}/castro/{folder.name}.jceks"
        put_credential(store, server, source.read_text().strip())
        return f"{store}#{server}", f"castro-{server}-password"
    name = f"{server}.{place}.secret"
    if place == "hdfs":
        uri = f"{hadoop.uri}/castro/{name}"
        hdfs("-put", "-f", str(source), uri)
        hdfs("-chmod", "600", uri)
        return uri, name
    there = folder / name
    shutil.copy(source, there)
    there.chmod(0o400)
    shutil.chown(there, hadoop.folder.owner())
    return f"local:{there}", name
