"""`validate` on YARN: all is checked, what is wrong is told, and one failure hides nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.hadoop import Hadoop
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


def rows(output: str) -> dict[str, dict[str, Any]]:
    told = json.loads(output[output.index("{\n") : output.rindex("\n}") + 2])
    return {row["check"]: row for row in told["checks"]}


def test_all_is_well(on_yarn: System, hadoop: Hadoop) -> None:
    found = rows(on_yarn.submit("validate", "--json", "--env", "cluster"))
    assert {row["state"] for row in found.values()} == {"ok"}, found
    assert found["resource manager"]["note"].startswith("login; 1 nodes; largest container ")
    assert found["version of hadoop"]["note"].startswith("clients 3.")
    assert ", cluster 3." in found["version of hadoop"]["note"]
    for name in ("write checkpoints", "write archive", "write submissions"):
        assert "written, read, renamed, deleted in " in found[name]["note"]
    assert found["read stage"]["note"].endswith(" files can be read")
    assert found["spark"]["note"].startswith("yarn, application_")
    assert found["spark"]["note"].endswith(", 1 executor")
    assert "container_" in found["executor's packages"]["place"]
    assert found["executor's packages"]["note"].startswith("Python 3.")
    assert found["executor reaches"]["note"] == "login to PostgreSQL, connections to Kafka"
    assert {"clock of executor", "clock of name node", "clock of postgres", "clock of redis"} <= found.keys()


def test_each_failure_is_told_and_hides_no_other(on_yarn: System, hadoop: Hadoop) -> None:
    on_yarn.env["CASTRO_CLUSTER_PYTHON"] = "/no/such/python3"
    on_yarn.env["CASTRO_ARCHIVE_DIR"] = f"{hadoop.uri}/not-ours/archive"
    found = rows(on_yarn.submit("validate", "--json", "--env", "cluster", status=1))
    failed = {name: row for name, row in found.items() if row["state"] != "ok"}
    assert failed.keys() == {"write archive", "executors"}
    assert "Permission denied" in failed["write archive"]["note"]
    assert "archive.dir" in failed["write archive"]["remedy"]
    assert failed["executors"]["note"] == "the nodes have no program /no/such/python3"
    assert "CASTRO_CLUSTER_PYTHON" in failed["executors"]["remedy"]


def test_without_the_cluster_the_rest_is_checked(on_yarn: System, hadoop: Hadoop, tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    shutil.copytree(hadoop.folder / "conf", conf)
    (conf / "yarn-site.xml").write_text(
        "<configuration><property><name>yarn.resourcemanager.address</name><value>127.0.0.1:1</value></property></configuration>"
    )
    on_yarn.env["HADOOP_CONF_DIR"] = str(conf)
    found = rows(on_yarn.submit("validate", "--json", "--env", "cluster", status=1))
    assert [name for name, row in found.items() if row["state"] == "failed"] == ["reach resource manager"]
    assert "nothing listens on that port" in found["reach resource manager"]["remedy"]
    for name in ("read topic of inventory", "write checkpoints", "write submissions", "clock of name node"):
        assert found[name]["state"] == "ok"
    (skipped,) = [row for row in found.values() if row["state"] == "skipped"]
    assert skipped["note"] == "not checked: failed: reach resource manager"
