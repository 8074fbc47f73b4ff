"""Processor seconds and peak memory of processes, sampled while they run; and how busy the rest of the machine was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

SECONDS = 0.5  # between samples: what a process used after its last one is not counted
_MIB = 1 << 20
PARTS = ("JVM", "Python", "Python workers", "PostgreSQL", "Kafka", "Redis")
OWN = PARTS[:3]  # a contestant's; the others are the servers'
Parts = Callable[[psutil.Process, bool], str]  # a process, and whether it is the root: the name of its part


@dataclass(frozen=True)
class Used:
    """By part: processor seconds, and the peak of its processes' memory together (MiB, shared pages by their share)."""

    cpu_seconds: Mapping[str, float]
    peak_mib: Mapping[str, float]
    others_cores: float  # what all else on this machine used meanwhile, this measurement included, in cores


def by_program(process: psutil.Process, root: bool) -> str:
    """A contestant's parts: its JVM, the Python that drives it, and that Python's workers."""
    if process.name() == "java":
        return "JVM"
    return "Python" if root else "Python workers"


class Meter:
    """Measures a contestant and the servers from now until `stop`.

    The contestant's processes are counted each for itself, from their beginning unless it is `running`. A server counts
    as one, with the children that it waited for (PostgreSQL's sessions), and from now.
    """

    def __init__(self, contestant: int, servers: Mapping[str, int], *, running: bool = False) -> None:
        self._contestant = psutil.Process(contestant)
        self._servers = {name: psutil.Process(pid) for name, pid in servers.items()}
        self._before = {name: with_children(server) for name, server in self._servers.items()}
        self._own: dict[int, tuple[str, float]] = {}  # by pid: its part and processor seconds
        self._cpu: dict[str, float] = {}
        self._peak: dict[str, float] = {}
        self._sample()
        self._earlier = {pid: seconds for pid, (_, seconds) in self._own.items()} if running else {}
        self._busy, self._began = _busy_seconds()
        self._stopping = Event()
        self._thread = Thread(target=self._sample_until_stopped, daemon=True)
        self._thread.start()

    def stop(self) -> Used:
        self._stopping.set()
        self._thread.join()
        self._sample()
        busy, at = _busy_seconds()
        cpu = dict(self._cpu)
        for pid, (part, seconds) in self._own.items():
            cpu[part] = cpu.get(part, 0) + seconds - self._earlier.get(pid, 0)
        others = max(0.0, busy - self._busy - sum(cpu.values())) / max(at - self._began, 1e-6)
        rounded = {part: round(seconds, 2) for part, seconds in cpu.items()}
        return Used(rounded, {part: round(mib, 1) for part, mib in self._peak.items()}, round(others, 2))

    def _sample_until_stopped(self) -> None:
        while not self._stopping.wait(SECONDS):
            self._sample()

    def _sample(self) -> None:
        memory: dict[str, float] = {}
        for process in _family(self._contestant):
            with suppress(psutil.Error):
                part = by_program(process, process.pid == self._contestant.pid)
                self._own[process.pid] = part, sum(process.cpu_times()[:2])
                memory[part] = memory.get(part, 0) + _proportional(process.pid)
        for name, server in self._servers.items():
            with suppress(psutil.Error):
                self._cpu[name] = with_children(server) - self._before[name]
            memory[name] = sum(_proportional(process.pid) for process in _family(server))
        for part, mib in memory.items():
            self._peak[part] = max(self._peak.get(part, 0), mib)


def with_children(server: psutil.Process) -> float:
    """Processor seconds of a server so far, with the children that it has and those that it waited for."""
    total = 0.0
    for process in _family(server):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


def _family(root: psutil.Process) -> Iterator[psutil.Process]:
    with suppress(psutil.Error):
        yield root
        yield from root.children(recursive=True)


def _proportional(pid: int) -> float:
    """Memory of a process in MiB: a page that n processes share counts 1/n."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / _MIB
    return 0.0


def _busy_seconds() -> tuple[float, float]:
    """Processor seconds of the whole machine so far, and seconds of its time."""
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0)
    return total - times.idle - times.iowait, total / (os.cpu_count() or 1)
