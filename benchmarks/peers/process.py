"""A contestant's process: its end, and its last words."""

from __future__ import annotations

import subprocess
from contextlib import suppress

import psutil

from benchmarks.peers.ground import Ground

_END_SECONDS = 30.0


def end(process: subprocess.Popen[bytes]) -> None:
    """As an operator would, and if that does not help by force."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all that it started."""
    family = []
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        family = [root, *root.children(recursive=True)]
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait(10)
    psutil.wait_procs(family, timeout=10)


def last_error(ground: Ground) -> str:
    """The last error that a contestant that goes on whatever happens has logged."""
    text = ground.log.read_text(errors="replace")
    lines = [line for line in text.splitlines() if "ERROR" in line or "Caused by" in line]
    return lines[-1].strip()[:200] if lines else ""


def last_line(ground: Ground) -> str:
    lines = [line for line in ground.log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
