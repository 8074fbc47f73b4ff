"""The archives are on HDFS once, and containers run on them alone."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from castro_spark import __version__
from castro_spark.deploy import artefact
from castro_spark.resources import castro_home
from tests.cluster.conftest import SUBMIT, package
from tests.cluster.hadoop import Hadoop
from tests.system import ROOT

pytestmark = pytest.mark.cluster
_READ_BY_NO_JOB = (".md", "Dockerfile", ".dockerignore")  # of conf/, in the archive only


def test_the_second_staging_uploads_nothing(hadoop: Hadoop, cluster_env: dict[str, str], staged: str) -> None:
    assert "files uploaded" in staged
    again = package(f"{hadoop.uri}/castro/stage", cluster_env)
    assert "uploading" not in again
    assert ": 0 of " in again


def test_the_wheel_has_the_archives_content(staged: str) -> None:
    folder = castro_home() / "packages"
    code = artefact._code(folder, print)
    with zipfile.ZipFile(_wheel()) as wheel, zipfile.ZipFile(code) as archive:
        files = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name}
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())
        read = [name for name in archive.namelist() if not name.endswith(_READ_BY_NO_JOB)]
        assert files == {name: archive.read(name) for name in read}


def test_the_wheel_is_installed_by_pip(staged: str, tmp_path: Path) -> None:
    """As for a notebook: the functions, their types, and the command; the checkout is not on the path."""
    wheel = _wheel()
    installing = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*installing, "--target", str(tmp_path), str(wheel)], check=True)
    assert (tmp_path / "castro_spark" / "py.typed").exists()
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    told = "import castro_spark.features; print(castro_spark.features.__file__)"
    for command, expected in (
        ([sys.executable, "-c", told], f"{tmp_path}/castro_spark/features/__init__.py"),
        ([str(tmp_path / "bin" / "castro-spark"), "--version"], __version__),
    ):
        done = subprocess.run(command, check=True, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout.strip() == expected


def test_containers_see_neither_checkout_nor_builder(
    hadoop: Hadoop, cluster_env: dict[str, str], staged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hadoop.hidden
    env = os.environ | cluster_env | {
        "SPARK_HOME": spark_home(), "CASTRO_ROOT": str(ROOT), "PYSPARK_PYTHON": "python3", "CASTRO_KERBEROS_METHOD": "simple",
    }  # fmt: skip
    command = [sys.executable, "-m", "castro_spark.deploy.arguments", "probe"]
    shipped = subprocess.run(command, check=True, env=env, capture_output=True, text=True).stdout.splitlines()
    probe = str(Path(__file__).with_name("probe.py"))
    options = ["--master", "yarn", *shipped, *shlex.split(SUBMIT)]
    command = [sys.executable, "-m", "castro_spark.deploy.submit", probe, *options, "--", *map(str, hadoop.hidden)]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    for container in json.loads(line).values():
        assert all(entries in ([], ["PermissionError"], ["FileNotFoundError"]) for entries in container["hidden"].values())
        assert container["user"] != 0 or os.geteuid() != 0
        assert container["python"].startswith("/usr/")
        assert container["code"].startswith(str(hadoop.folder))
        assert container["dependencies"].startswith(str(hadoop.folder))
        assert container["statements"] > 10


def _wheel() -> Path:
    return next((castro_home() / "packages").glob(f"castro_spark-{__version__}-*.whl"))


def spark_home() -> str:
    import pyspark

    return str(Path(pyspark.__file__).parent)
