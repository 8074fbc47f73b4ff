"""Builds the archives that YARN unpacks for each container: the dependencies, and castro_spark itself.

An archive's name contains a hash of what determines its content, so equal names mean equal content: nothing is built or
uploaded twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from castro_spark import __version__
from castro_spark.errors import CastroError, SettingsError
from castro_spark.resources import castro_home, resource

_FORMAT = "1"  # counts up if the same inputs are to give another archive
_SPARK_BRINGS = {"pyspark", "py4j"}
_LOCKED = re.compile(r"([A-Za-z0-9._-]+)==")
_PATCH_ONLY = re.compile(r"; python_full_version < '(\d+\.\d+)\.[1-9]\d*'")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of all files: equal content gives equal bytes
_HASH_DIGITS = 16
_LOG_LINES = 15

Say = Callable[[str], None]


@dataclass(frozen=True)
class Artefacts:
    """The files for the nodes: the two archives and the jars; `spark_jars` are Spark's own, as an archive."""

    dependencies: Path
    code: Path
    jars: tuple[Path, ...]
    spark_jars: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All of them."""
        return [self.dependencies, self.code, *self.jars, *([self.spark_jars] if self.spark_jars else [])]


def default_folder() -> Path:
    """The folder of the built archives."""
    return castro_home() / "packages"


def build(folder: Path, say: Say, *, spark_jars: bool = False) -> Artefacts:
    """Builds the missing ones of the archives into `folder`; `spark_jars`: also that of Spark's own jars."""
    folder.mkdir(parents=True, exist_ok=True)
    return Artefacts(
        dependencies=_dependencies(folder, say),
        code=_code(folder, say),
        jars=tuple(sorted(f for name in ("spark", "delta") for f in (castro_home() / "jars" / name).glob("*.jar"))),
        spark_jars=_spark_jars(folder, say) if spark_jars else None,
    )


def build_wheel(project: Path, folder: Path, say: Say) -> Path:
    """Builds the wheel of castro_spark into `folder`, for notebooks and tools (`pip install`)."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "project"  # setuptools leaves a folder `build` where it works
        copy.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE", "castro_spark", "jobs", "sql", "conf"):
            copy.joinpath(name).symlink_to(project / name)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        _run([*command, "--wheel-dir", str(folder), str(copy)], folder / "wheel.log", "pip wheel")
    wheel = folder / f"castro_spark-{__version__}-py3-none-any.whl"
    say(f"{wheel.name}: {_size(wheel)}")
    return wheel


def _dependencies(folder: Path, say: Say) -> Path:
    """An archive of site-packages, without Spark's; the lock's hashes pin each package's content."""
    lock = _without_spark(_lock_file().read_text(encoding="utf-8"))
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = re.sub(r"\W", "_", sysconfig.get_platform())
    key = hashlib.sha256("\n".join([_FORMAT, python, platform, lock]).encode()).hexdigest()[:_HASH_DIGITS]
    archive = folder / f"castro-dependencies-{python}-{platform}-{key}.tar.gz"
    if archive.exists():
        return archive
    with tempfile.TemporaryDirectory() as scratch:
        packages, locked = Path(scratch) / "packages", Path(scratch) / "lock.txt"
        locked.write_text(lock, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
        _run(
            [*command, "--no-deps", "--require-hashes", "--target", str(packages), "-r", str(locked)],
            folder / "dependencies.log", "pip install",
        )  # fmt: skip
        # Compiled here: a node may not write beside the files, and would compile them at every start.
        compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([*compiling, "-s", str(packages), str(packages)], check=False, stdout=subprocess.DEVNULL)
        _replace(archive, lambda path: _tar(packages, path))
    say(f"{archive.name}: {_size(archive)}")
    return archive


def _code(folder: Path, say: Say) -> Path:
    """An archive of castro_spark, with jobs, settings and statements: the content of the wheel."""
    package = resource("")
    content = {name: path.read_bytes() for name, path in _files(package)}
    digest = hashlib.sha256()
    for name, data in content.items():
        digest.update(f"{name} {len(data)} ".encode() + data)
    archive = folder / f"castro-spark-{__version__}-{digest.hexdigest()[:_HASH_DIGITS]}.zip"
    if not archive.exists():

        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
                for name, data in content.items():
                    entry = zipfile.ZipInfo(f"castro_spark/{name}", _EPOCH)
                    entry.external_attr = 0o644 << 16
                    target.writestr(entry, data, zipfile.ZIP_DEFLATED)

        _replace(archive, write)
        say(f"{archive.name}: {_size(archive)}")
    return archive


def _spark_jars(folder: Path, say: Say) -> Path:
    """An uncompressed archive of Spark's own jars; a jar's name contains its version."""
    jars = sorted(Path(os.environ["SPARK_HOME"], "jars").glob("*.jar"))
    listed = "\n".join(f"{jar.name} {jar.stat().st_size}" for jar in jars)
    archive = folder / f"spark-jars-{hashlib.sha256(listed.encode()).hexdigest()[:_HASH_DIGITS]}.zip"
    if not archive.exists():

        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
                for jar in jars:
                    target.write(jar, jar.name)

        _replace(archive, write)
        say(f"{archive.name}: {_size(archive)}")
    return archive


def _files(package: Path) -> Iterable[tuple[str, Path]]:
    """The package's files with their names in it, in order; links to folders are followed."""
    found = []
    for folder, folders, names in os.walk(package, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(folder, name) for name in names if not name.endswith(".pyc")]
    return sorted((path.relative_to(package).as_posix(), path) for path in found)


def _lock_file() -> Path:
    project = os.environ.get("CASTRO_ROOT")
    if not project:
        raise SettingsError("the archives are built from a checkout", "call ./spark-submit.sh there")
    return Path(project) / "requirements" / "base.txt"


def _without_spark(lock: str) -> str:
    """The lock without the packages that Spark's own distribution brings to every container.

    The nodes' Python may be an older patch of the same minor version: what only such a one needs is kept as well.
    """
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    kept, keeping = [], True
    for line in lock.splitlines():
        if match := _LOCKED.match(line):
            keeping = match[1].lower() not in _SPARK_BRINGS
        if keeping and not line.startswith("#"):
            kept.append(_PATCH_ONLY.sub(lambda match: "" if match[1] == minor else match[0], line))
    return "\n".join(kept) + "\n"


def _tar(source: Path, archive: Path) -> None:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(archive, "w:gz", compresslevel=6) as target:
        for path in sorted(source.iterdir()):
            target.add(path, path.name, filter=plain)


def _replace(archive: Path, write: Callable[[Path], None]) -> None:
    """Writes to a temporary name first: an archive that exists is complete."""
    fresh = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        write(fresh)
        fresh.replace(archive)
    finally:
        fresh.unlink(missing_ok=True)


def _run(command: list[str], log: Path, what: str) -> None:
    with log.open("wb") as output:
        status = subprocess.run(command, check=False, stdout=output, stderr=output).returncode
    if status:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])
        raise CastroError(f"{what} failed; the end of {log}:\n{end}", "is the package index reachable (a proxy)?")


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
