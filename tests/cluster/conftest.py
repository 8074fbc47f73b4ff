"""A Hadoop for all tests of the cluster, with the product staged on it, and a system whose jobs run there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyspark
import pytest

from castro_spark.hadoop.shell import hadoop as shell
from castro_spark.local import Stack
from tests.cluster import resource_manager
from tests.cluster.hadoop import Hadoop
from tests.system import ROOT, System

# One small executor, which stages every batch.
SUBMIT = (
    "--driver-memory 512m --executor-memory 512m --executor-cores 2 --conf spark.executor.instances=1"
    " --conf spark.executor.memoryOverhead=1g --conf spark.driver.memoryOverhead=1g"
    " --conf spark.yarn.am.memory=384m --conf spark.sql.shuffle.partitions=2"
)


@pytest.fixture(scope="session")
def hadoop() -> Iterator[Hadoop]:
    cluster = Hadoop()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def cluster_env(hadoop: Hadoop) -> dict[str, str]:
    """Environment variables of the machine that submits."""
    return {"HADOOP_CONF_DIR": str(hadoop.folder / "conf"), "CASTRO_SPARK_SUBMIT_ARGS": SUBMIT, "SPARK_LOCAL_IP": "127.0.0.1"}


@pytest.fixture(scope="session")
def staged(hadoop: Hadoop, cluster_env: dict[str, str]) -> str:
    """The product on HDFS; returns what `package` printed."""
    return package(f"{hadoop.uri}/castro/stage", cluster_env)


def package(uri: str, env: dict[str, str]) -> str:
    command = [str(ROOT / "spark-submit.sh"), "package", "--stage", uri]
    done = subprocess.run(command, check=False, env=os.environ | env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def hdfs(cluster_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Hadoop's shell for the cluster's files."""
    monkeypatch.setenv("HADOOP_CONF_DIR", cluster_env["HADOOP_CONF_DIR"])
    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    return shell


@pytest.fixture
def on_yarn(stack: Stack, hadoop: Hadoop, cluster_env: dict[str, str], staged: str, tmp_path: Path) -> Iterator[System]:
    """A clean system whose `submit` and `start` run jobs on the cluster (with --env cluster)."""
    system = System(stack, tmp_path)
    system.migrate()
    for name in ("SPARK_SUBMIT_OPTS", "CASTRO_CLASS_PATH_FOLDER", "CASTRO_MASTER"):
        system.env.pop(name, None)
    system.env |= cluster_env
    system.env["CASTRO_CHECKPOINT_DIR"] = f"{hadoop.uri}/castro/{system.database}/checkpoints"
    system.env["CASTRO_ARCHIVE_DIR"] = f"{hadoop.uri}/castro/{system.database}/archive"
    system.configure({"streaming": {"executor_staging_rows": 1}})
    yield system
    system.end()
    resource_manager.kill_all(hadoop)
