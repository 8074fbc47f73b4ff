"""What the other contestants' programs are made of, fetched once into CASTRO_HOME: Debezium's JDBC sink, and Flink.

Kafka Connect itself is there already: spark-submit.sh prepares it for the tests.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyspark

from castro_spark.resources import castro_home
from tests.system import ROOT

_DEBEZIUM = (("io.debezium", "debezium-connector-jdbc", "3.6.0.Final", "plugin"),)
_FLINK_CONNECTORS = (
    ("org.apache.flink", "flink-sql-connector-kafka", "4.0.1-2.0", ""),
    ("org.apache.flink", "flink-connector-jdbc-core", "4.0.0-2.0", ""),
    ("org.apache.flink", "flink-connector-jdbc-postgres", "4.0.0-2.0", ""),
    ("org.postgresql", "postgresql", "42.7.7", ""),
)
FLINK_JOB = Path(__file__).with_name("java") / "FlinkJob.java"
_FLINK = ROOT / "requirements" / "flink.txt"  # its Java libraries are on PyPI
Artefact = tuple[str, str, str, str]  # organisation, name, revision, and of a zip its classifier


def java() -> str:
    """The java that the rest of the project takes."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    assert found, "no java: set JAVA_HOME, or put Java 17 or newer on PATH"
    return found


def connect_jars() -> str:
    """The class path of Kafka Connect with Debezium's JDBC sink."""
    jdbc = _made("debezium-jdbc", repr(_DEBEZIUM), lambda folder: _fetch(folder, _DEBEZIUM))
    return f"{castro_home() / 'jars' / 'connect'}/*:{jdbc}/debezium-connector-jdbc/*"


def flink_jars() -> str:
    """The class path of Flink with its connectors for Kafka and JDBC, and of the job, compiled."""
    connectors = _made("flink-connectors", repr(_FLINK_CONNECTORS), lambda folder: _fetch(folder, _FLINK_CONNECTORS))
    flink = _made("flink", _FLINK.read_text(), _install_flink)
    libraries = f"{flink}/pyflink/lib/*:{connectors}/*"
    compiler = str(Path(java()).with_name("javac"))
    job = _made(
        "flink-job", FLINK_JOB.read_text() + libraries,
        lambda folder: _run(compiler, "-proc:none", "-d", str(folder), "-cp", libraries, str(FLINK_JOB)),
    )  # fmt: skip
    return f"{job}:{libraries}"


def _made(name: str, stamp: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name in CASTRO_HOME/jars, made anew unless it is there with this stamp."""
    folder = castro_home() / "jars" / name
    new = folder.with_name(f".{name}.new")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "castro-stamp").exists() or (folder / "castro-stamp").read_text() != stamp:
            print(f"castro: fetching {name} ...", file=sys.stderr, flush=True)
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            make(new)
            (new / "castro-stamp").write_text(stamp)
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
    return folder


def _fetch(folder: Path, artefacts: tuple[Artefact, ...]) -> None:
    """These artefacts and nothing that they depend on, by the Ivy that PySpark brings; a zip is unpacked."""
    maven = "http://ant.apache.org/ivy/maven"
    lines = [f'<ivy-module version="2.0" xmlns:m="{maven}"><info organisation="castro" module="peers"/><dependencies>']
    for organisation, name, revision, classifier in artefacts:
        chosen = f'<artifact name="{name}" type="zip" ext="zip" m:classifier="{classifier}"/>' if classifier else ""
        lines.append(
            f'<dependency org="{organisation}" name="{name}" rev="{revision}" conf="default->default"'
            f' transitive="false">{chosen}</dependency>'
        )
    (folder / "ivy.xml").write_text("\n".join([*lines, "</dependencies></ivy-module>"]))
    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-[0-9]*.jar"))
    _run(
        java(), "-jar", str(ivy), "-ivy", str(folder / "ivy.xml"), "-confs", "default",
        "-cache", str(castro_home() / "ivy"), "-types", "jar", "bundle", "zip",
        "-retrieve", f"{folder}/[artifact]-[revision](-[classifier]).[ext]",
    )  # fmt: skip
    for packed in folder.glob("*.zip"):
        zipfile.ZipFile(packed).extractall(folder)
        packed.unlink()


def _install_flink(folder: Path) -> None:
    _run(
        sys.executable, "-m", "pip", "install", "--no-input", "--quiet", "--no-deps", "--require-hashes",
        "--no-warn-conflicts", "--target", str(folder), "-r", str(_FLINK),
    )  # fmt: skip


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
