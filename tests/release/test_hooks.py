"""The hooks of .pre-commit-config.yaml pass on all files, and stop a commit that they should; nothing is fetched for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.release.conftest import Built

pytestmark = pytest.mark.long
WRONG = {
    "castro_spark/wrong.py": ("import os\n", "F401"),
    "castro_spark/parse/wrong.py": ('"""Wrong."""\n\nfrom castro_spark import settings\n\n__all__ = ["settings"]\n', "The middle is pure"),
    "castro_spark/untyped.py": ('"""Wrong."""\n\n\ndef untyped(x):\n    return x\n', "no-untyped-def"),
    "wrong.sh": ("#!/usr/bin/env bash\nif true; then\n", "syntax error"),
}


@pytest.fixture
def repository(built: Built, tmp_path: Path) -> Path:
    """The project's files in a repository of their own."""
    folder = tmp_path / "repository"
    shutil.copytree(built.unpacked, folder, symlinks=True)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, cwd=folder)


def hooks(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
        "CASTRO_VENV": sys.prefix, "PYTHONPATH": str(folder), "PRE_COMMIT_HOME": str(folder.parent / "pre-commit"),
        "PIP_NO_INDEX": "1", "XDG_CACHE_HOME": str(folder.parent),
    }  # fmt: skip
    command = [sys.executable, "-m", "pre_commit", "run", "--color", "never", *arguments]
    return subprocess.run(command, check=False, cwd=folder, env=env, capture_output=True, text=True, timeout=600)


def test_all_files_pass_and_wrong_ones_do_not(repository: Path) -> None:
    done = hooks(repository, "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    told = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in told["repos"]] == ["local"]
    ran = [h for h in told["repos"][0]["hooks"] if h.get("stages") != ["pre-push"]]
    assert done.stdout.count("Passed") == len(ran) == len(WRONG)

    for name, (text, _) in WRONG.items():
        (repository / name).write_text(text)
        git(repository, "add", name)
    stopped = hooks(repository)
    assert stopped.returncode == 1
    assert stopped.stdout.count("Failed") == len(ran), stopped.stdout
    for name, (_, words) in WRONG.items():
        assert words in stopped.stdout, name
