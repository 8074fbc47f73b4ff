"""A server process: started in its own session, awaited with a deadline, found and stopped by its pid file.

The pid file also records the process's start time, so that a pid that the system has reused for another program is
never signalled.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from castro_spark.errors import CastroError

# Below every usual ephemeral range. While a server is stopped its port must stay free; a client that keeps connecting
# to a closed port *inside* the ephemeral range eventually connects to itself and occupies the port.
_PORTS = range(20_000, 32_000)
_POLL_SECONDS = 0.05
_LOG_LINES = 15


class LocalServiceError(CastroError):
    """An embedded server could not be prepared, started or stopped; names the server, the place and the remedy."""


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """A loopback port without a listener, outside the range of outgoing connections."""
    for port in random.sample(_PORTS, 200):
        if port not in taken and port_is_free(port):
            return port
    raise LocalServiceError(f"no free loopback port between {_PORTS.start} and {_PORTS.stop} in 200 tries")


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_private(path: Path, text: str) -> None:
    """Replaces a file atomically with one that only its owner can read; it is never readable by others."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def start_mark(pid: int) -> str | None:
    """Distinguishes this process from another with the same pid; None if it has ended."""
    with suppress(OSError):  # Linux: unlike psutil's time, ticks since boot do not change with the clock
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
        # A killed JVM is a zombie while some of its threads are still ending and occupy its ports: it counts as alive.
        ended = fields[0] in "ZX" and int(fields[17]) <= 1
        return None if ended else f"{boot}/{fields[19]}"
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.Error:
        return None


def module_path() -> str:
    """PYTHONPATH with which another Python finds the package as this process does, from any folder."""
    return os.pathsep.join(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100


class ServerProcess:
    """One server process, identified by its pid file, and so also by a later run of the program."""

    def __init__(self, name: str, pid_file: Path, log: Path) -> None:
        self.name = name
        self.pid_file = pid_file
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None  # referenced, so that it is reaped when it ends

    def pid(self) -> int | None:
        """The pid if the process recorded in the pid file is alive, else None."""
        if self._child is not None:
            self._child.poll()
        try:
            record = json.loads(self.pid_file.read_text(encoding="utf-8"))
            pid, mark = int(record["pid"]), str(record["start_mark"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if start_mark(pid) == mark else None

    def start(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        """Starts the server in its own session, where Ctrl-C does not reach it; its output goes to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                env=None if env is None else {**os.environ, **env}, start_new_session=True,
            )  # fmt: skip
        mark = start_mark(self._child.pid)
        write_private(self.pid_file, json.dumps({"pid": self._child.pid, "start_mark": mark}))

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until `ready` returns true; raises, with the log's end, if the server ends or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid() is None:
                raise LocalServiceError(f"{self.name} ended while it was starting.{self.log_end()}")
            if time.monotonic() > deadline:
                raise LocalServiceError(f"{self.name} was not ready after {seconds:.0f} s.{self.log_end()}")
            time.sleep(_POLL_SECONDS)

    def stop(self, stop_signal: signal.Signals, seconds: float) -> None:
        """Signals the server to end, and kills it and its children if it has not ended after `seconds`."""
        pid = self.pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, stop_signal)
            if not self._gone(seconds):
                self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Ends the server and its children with SIGKILL, to simulate a crash."""
        pid = self.pid()
        if pid is None:
            return
        try:
            server = psutil.Process(pid)
            family = [server, *server.children(recursive=True)]  # PostgreSQL's leave its process group
        except psutil.NoSuchProcess:
            family = []
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family[1:], timeout=5)
        if not self._gone(5):
            raise LocalServiceError(f"{self.name} (pid {pid}) is still there 5 s after SIGKILL")
        self.pid_file.unlink(missing_ok=True)

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS / 2)
        return True

    def log_end(self) -> str:
        """The log's path and last lines, indented, to append to an error."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            lines = []
        shown = "\n".join(f"    {line}" for line in lines or ["(empty)"])
        return f" The end of its log {self.log}:\n{shown}"
