"""Debian's PostgreSQL and Redis: unlike the embedded ones they have TLS. Installed if they are missing, never started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_NO_SERVICES = Path("/usr/sbin/policy-rc.d")  # asked by packages before they start a service; 101: it must not
_APT = ["apt-get", "-o", "DPkg::Lock::Timeout=120"]


def programs() -> tuple[Path, Path]:
    """The folder of PostgreSQL's programs, and redis-server."""
    if not (found := _found()):
        install("postgresql", "redis-server")
        found = _found()
    assert found, "Debian's packages postgresql and redis-server are installed, and yet have no such programs"
    return found


def _found() -> tuple[Path, Path] | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    redis = Path("/usr/bin/redis-server")
    return (versions[-1].parent, redis) if versions and redis.exists() else None


def install(*packages: str) -> None:
    """Installs Debian's packages; a service of theirs is not started."""
    assert shutil.which("apt-get"), f"no apt-get here: install {' and '.join(packages)}"
    assert os.geteuid() == 0, f"apt-get install {' '.join(packages)}   # as root: these tests need them"
    mine = not _NO_SERVICES.exists()
    if mine:
        _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        _NO_SERVICES.chmod(0o755)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            done = subprocess.run([*_APT, *words], check=False, env=env, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"apt-get {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
    finally:
        if mine:
            _NO_SERVICES.unlink()
