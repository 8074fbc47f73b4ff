"""conf/oozie against Oozie's own schemas, from the jar of its client."""

from __future__ import annotations

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from castro_spark.local.stack import castro_home
from tests.system import ROOT

pytestmark = pytest.mark.cluster

_CONF = ROOT / "conf" / "oozie"
_WORKFLOW = ("oozie-workflow-1.0.xsd", "shell-action-1.0.xsd")


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    (jar,) = (castro_home() / "jars" / "oozie").glob("oozie-client-*.jar")
    with ZipFile(jar) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".xsd")])
    return folder


def _validate(document: Path, folder: Path, *schemas: str) -> str:
    """What Java's validator, which Oozie uses as well, says against the document; empty if it is valid."""
    command = ["java", "-XX:TieredStopAtLevel=1", "-Xmx128m", str(Path(__file__).with_name("Validate.java")), str(document)]
    done = subprocess.run([*command, *(str(folder / name) for name in schemas)], check=False, capture_output=True, text=True, timeout=300)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("workflow.xml", _WORKFLOW),
        ("coordinator.xml", ("oozie-coordinator-0.5.xsd",)),
        ("bundle.xml", ("oozie-bundle-0.2.xsd",)),
    ],
)
def test_it_is_valid(document: str, names: tuple[str, ...], schemas: Path) -> None:
    assert _validate(_CONF / document, schemas, *names) == ""


def test_the_validator_finds_what_oozie_would_refuse(schemas: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "workflow.xml"
    wrong.write_text((_CONF / "workflow.xml").read_text().replace("exec>", "execute>"))
    assert "'{\"uri:oozie:shell-action:1.0\":execute}'" in _validate(wrong, schemas, *_WORKFLOW)
