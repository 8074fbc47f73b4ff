"""The common part of Kafka, PostgreSQL, Redis and the page: prepare, start, wait until healthy, stop."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from castro_spark.local.process import LocalServiceError, ServerProcess, port_is_free


class Server(ABC):
    """An embedded server with its folder and port, which persist between its runs."""

    name: str
    ready_seconds: float = 30
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.process = server_process(self.name, folder)

    @abstractmethod
    def prepare(self) -> None:
        """Writes the configuration and, the first time, the data folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments (never a secret: every user of the machine can read arguments)."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the server accepts clients now."""

    @abstractmethod
    def env(self) -> dict[str, str]:
        """The environment variables with which a job connects to this server."""

    def process_env(self) -> dict[str, str] | None:
        """Variables that the process has beside this one's."""
        return None

    def finish_start(self) -> None:  # noqa: B027  (a hook: most servers need nothing here)
        """Runs once the server is ready."""

    def ports(self) -> list[int]:
        """Every port that the server listens on."""
        return [self.port]

    def running(self) -> bool:
        """Whether the process is alive (not: whether it is healthy, see `ready`)."""
        return self.process.pid() is not None

    def start(self) -> bool:
        """Starts the server and waits until it is ready; returns False if it was running already."""
        if self.running():
            self.process.wait_ready(self.ready, self.ready_seconds)  # another run may be starting it
            return False
        for port in self.ports():
            if not port_is_free(port):
                raise LocalServiceError(
                    f"{self.name}: port {port} on 127.0.0.1 is in use by another program. End that program, "
                    f"or delete {self.folder.parent / 'stack.json'} to get new ports (the data stays)."
                )
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.prepare()
        self.process.start(self.command(), cwd=self.folder, env=self.process_env())
        try:
            self.process.wait_ready(self.ready, self.ready_seconds)
            self.finish_start()
        except BaseException:
            self.process.kill()  # do not leave an unhealthy server behind
            raise
        return True

    def stop(self, *, kill: bool = False) -> None:
        """Stops the server; its data remains. `kill` uses SIGKILL, to simulate a crash."""
        if kill:
            self.process.kill()
        else:
            self.process.stop(self.stop_signal, self.stop_seconds)

    def run_tool(self, command: Sequence[str], *, what: str, env: Mapping[str, str] | None = None) -> str:
        """Runs one of the server's tools to completion and returns its output."""
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=self.folder, env=env, text=True, errors="replace", check=False, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise LocalServiceError(
                f"{self.name}: {what} failed with status {done.returncode} in {self.folder}:\n"
                f"{done.stdout.strip()}"
            )
        return done.stdout


def server_process(name: str, folder: Path) -> ServerProcess:
    """The process of the server of this name and folder, running or not."""
    return ServerProcess(name, pid_file=folder / f"{name}.pid", log=folder / f"{name}.log")
