"""Usage: by which command jobs are started, and values that no job can use, before any server is asked."""

from __future__ import annotations

import getpass
import importlib
import os
import subprocess
import sys

import pytest

from castro_spark import cli
from castro_spark.counted import counted
from castro_spark.process.user import user_name
from tests.system import ROOT


def test_help_names_the_door(capsys: pytest.CaptureFixture[str]) -> None:
    command = importlib.import_module("jobs.outbox").main
    for door in ("./spark-submit.sh", "castro-spark", "python -m castro_spark"):
        assert cli.exit_status(command, ["list", "--help"], door=door) == 0
        assert capsys.readouterr().out.startswith(f"Usage: {door} outbox list [OPTIONS]")


def castro_spark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "castro_spark", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def test_a_job_that_is_not_there() -> None:
    for wrong in ("nonsense", "__init__", "../stop"):
        done = castro_spark(wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"python -m castro_spark: there is no job '{wrong}'\nUsage: python -m castro_spark JOB")
    done = castro_spark("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nJobs: backfill, cache, " in done.stdout
    done = castro_spark("incidents", "show")
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: python -m castro_spark incidents show [OPTIONS] NUMBER")


@pytest.mark.parametrize(
    "arguments",
    [
        "commands request replay --id 99999999999999999999", "commands request replay --id -1",
        "commands request rebuild_cache --expires nan", "commands request rebuild_cache --expires -5",
        "commands request rebuild_cache --expires 1e300", "commands list --hours nan", "commands list --hours -1",
        "stop --stream all --wait nan", "stop --stream all --wait -5", "local up --years 0", "local up --products -1",
    ],
)  # fmt: skip
def test_numbers_that_no_job_can_use(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    job, *rest = arguments.split()
    assert cli.exit_status(importlib.import_module(f"jobs.{job}").main, rest) == 2
    assert f"Invalid value for '{rest[-2]}'" in capsys.readouterr().err


def test_an_argument_of_another_encoding() -> None:
    latin = "S\u00e3o".encode("cp1252")
    command = [sys.executable, "-m", "castro_spark", "incidents", "mute", "1", "--until", "8h", "--reason", latin]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, env={**os.environ, "PYTHONUTF8": "1"})
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "error: the argument S\ufffdo is not UTF-8", "  what to do: write it in UTF-8: set the terminal or the script to it",
    ]  # fmt: skip


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 1000740000")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert user_name() == f"uid {os.getuid()}"


def test_one_is_no_plural() -> None:
    assert [counted(n, "record") for n in (0, 1, 2, 1203)] == ["0 records", "1 record", "2 records", "1,203 records"]
    assert [counted(n, "hash is", "hashes are") for n in (1, 2)] == ["1 hash is", "2 hashes are"]
