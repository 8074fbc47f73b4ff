"""What a release consists of: the source distribution is a checkout, the wheel is what the jobs run."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.version import Version

from castro_spark import __version__
from castro_spark.deploy import artefact
from tests.release.conftest import Built
from tests.system import ROOT
from tests.unit.project.test_lock import PROJECT

pytestmark = pytest.mark.long


def test_the_source_distribution_is_a_checkout(built: Built) -> None:
    assert built.source.name == f"castro_spark-{__version__}.tar.gz"
    for link in ("conf", "jobs", "sql"):
        assert (built.unpacked / "castro_spark" / link).readlink() == Path("..", link)
    found = {_name(path, built.unpacked) for path in built.unpacked.rglob("*") if path.is_file() or path.is_symlink()}
    tracked, new = _sources()
    made = {name for name in found if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    assert tracked - found == set()
    assert found - tracked - new - made == set()


def test_the_source_distribution_can_be_tested(built: Built) -> None:
    """Its own tests, on its own code; the environment is the one that its ./test.sh would prepare."""
    env = os.environ | {"PYTHONPATH": str(built.unpacked)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/project/test_sql.py", "tests/unit/settings/test_settings.py"]
    done = subprocess.run(command, check=False, env=env, cwd=built.unpacked, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    told = "import castro_spark; print(castro_spark.__file__)"
    where = subprocess.run([sys.executable, "-c", told], check=True, env=env, cwd=built.unpacked, capture_output=True, text=True)
    assert where.stdout.strip() == f"{built.unpacked}/castro_spark/__init__.py"
    help_of = subprocess.run(["bash", "-n", "spark-submit.sh"], check=False, cwd=built.unpacked)
    assert help_of.returncode == 0
    assert os.access(built.unpacked / "spark-submit.sh", os.X_OK)


def test_each_way_to_a_wheel_gives_the_same_content(built: Built, tmp_path: Path) -> None:
    """From the source distribution, from the checkout (`package`), and the archive that YARN's containers unpack."""
    from_checkout = artefact.build_wheel(ROOT, tmp_path, print)
    assert from_checkout.name == built.wheel.name == f"castro_spark-{__version__}-py3-none-any.whl"
    content = _content(built.wheel)
    assert _content(from_checkout) == content
    assert _content(artefact._code(tmp_path, print)) == content
    for needed in ("sql/commit/merge_events.sql", "conf/base.yaml", "conf/airflow/castro_dags.py", "conf/grafana/castro.json",
                   "jobs/stream.py", "page/templates/base.html", "page/static/vendor/htmx.min.js", "py.typed"):  # fmt: skip
        assert f"castro_spark/{needed}" in content, needed


def test_the_metadata_is_sound(built: Built) -> None:
    """By the rules of the packaging specifications, as an index checks them."""
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        told = Metadata.from_email(wheel.read(name), validate=True)
        assert any(n.endswith(".dist-info/licenses/LICENSE") for n in wheel.namelist())
    assert told.version == Version(__version__)
    assert told.license_expression == "Apache-2.0"
    assert told.description_content_type == "text/markdown"
    assert told.description == (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = {str(Requirement(r)) for r in PROJECT["dependencies"]}
    assert {str(r) for r in told.requires_dist or [] if r.marker is None} == wanted
    assert set(told.provides_extra or []) == set(PROJECT["optional-dependencies"])


def _content(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        names = [n for n in opened.namelist() if ".dist-info/" not in n and not n.endswith(".md")]
        return {name: opened.read(name) for name in names}


def _sources() -> tuple[set[str], set[str]]:
    """The project's files by git: those that it has, and new ones. Of an unpacked source distribution: its list of them."""
    if not (ROOT / ".git").exists():
        listed = (ROOT / "castro_spark.egg-info" / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
        return {name for name in listed if (ROOT / name).exists()}, set()
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    tracked, new = (
        {name for name in subprocess.run([*command, *which], check=True, capture_output=True, text=True).stdout.split("\0") if name}
        for which in ((), ("--others", "--exclude-standard"))
    )
    return {name for name in tracked if (ROOT / name).exists() or (ROOT / name).is_symlink()}, new


def _name(path: Path, below: Path) -> str:
    return path.relative_to(below).as_posix()
