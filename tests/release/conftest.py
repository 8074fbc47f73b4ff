"""The distributions as a release has them, and an environment that has the wheel and nothing of the checkout."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from castro_spark.resources import castro_home
from tests.system import ROOT

_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
_LEFT_BEHIND = shutil.ignore_patterns(".git", ".castro", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info", "spark-warehouse")
_SECONDS = 600


@dataclass(frozen=True)
class Built:
    """A release's two files, and the source distribution unpacked."""

    wheel: Path
    source: Path
    unpacked: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built as CONTRIBUTING.md says: the source distribution from the checkout, the wheel from that."""
    folder = tmp_path_factory.mktemp("release")
    project = folder / "project"  # a copy, because setuptools writes where it works
    shutil.copytree(ROOT, project, symlinks=True, ignore=_LEFT_BEHIND)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(project)],
        check=False, capture_output=True, text=True, env=_without_checkout(), timeout=_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (source,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return Built(wheel, source, folder / "unpacked" / source.name.removesuffix(".tar.gz"))


class Clean:
    """A virtual environment and a home in a folder that every user can read.

    What runs there is another user where this one is root; nobody may write to the environment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.bin = folder / "venv" / "bin"
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        # It may read what root may, for a Python below /root.
        reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--clear-groups"]
        self.become = ["setpriv", f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", *reading] if self._user else []

    def install(self, wheel: Path) -> None:
        """The jobs' locked dependencies, then the wheel."""
        subprocess.run([sys.executable, "-m", "venv", str(self.folder / "venv")], check=True)
        python = str(self.bin / "python")
        lock = ROOT / "requirements" / "base.txt"
        subprocess.run([python, *_PIP, "install", "--require-hashes", "-r", str(lock)], check=True, env=_without_checkout())
        subprocess.run([python, *_PIP, "install", "--no-deps", "--no-index", str(wheel)], check=True, env=_without_checkout())
        subprocess.run([python, *_PIP, "check"], check=True, env=_without_checkout())
        # Spark's jars, as an administrator would bring them.
        for name in ("spark", "delta"):
            shutil.copytree(castro_home() / "jars" / name, self.home / "jars" / name)
        self.folder.chmod(0o755)
        if self._user:  # another user than the owner of all this
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        else:
            for path in (self.folder / "venv").rglob("*"):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & 0o555)

    def run(self, *command: str, env: Mapping[str, str] | None = None, status: int = 0) -> str:
        """Runs a program of the environment to its end; returns what it printed on both streams."""
        done = subprocess.run(
            [*self.become, str(self.bin / command[0]), *command[1:]], check=False, capture_output=True, text=True,
            cwd=self.home, env=self.environment(env or {}), timeout=_SECONDS,
        )  # fmt: skip
        output = done.stdout + done.stderr
        assert done.returncode == status, f"{command}: status {done.returncode}\n{output}"
        return output

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Nothing of this process's environment but what the environment's programs need."""
        java = shutil.which("java")
        places = [str(self.bin), *([str(Path(java).parent)] if java else []), "/usr/local/bin", "/usr/bin", "/bin"]
        kept = {name: os.environ[name] for name in ("JAVA_HOME", "LANG") if name in os.environ}
        return {**kept, "PATH": os.pathsep.join(places), "HOME": str(self.home), "CASTRO_HOME": str(self.home), **more}

    def remove(self) -> None:
        """Deletes the folder."""
        for path in self.folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def clean(built: Built) -> Iterator[Clean]:
    """Not below pytest's folder, which other users cannot enter."""
    clean = Clean(Path(tempfile.mkdtemp(prefix="castro-clean-")))
    clean.install(built.wheel)
    yield clean
    clean.remove()


def _without_checkout() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
