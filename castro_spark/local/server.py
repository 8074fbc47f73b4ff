"""What Kafka, PostgreSQL and Redis have in common: prepare, start, wait until healthy, stop."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from castro_spark.local.process import LocalServiceError, ServerProcess, port_is_free


class Server(ABC):
    """An embedded server with its folder and its port, which outlast any one run of it."""

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
        """Writes configuration and, the first time, the data folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments (never a secret: arguments are public on the machine)."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether a client would be served now."""

    @abstractmethod
    def env(self) -> dict[str, str]:
        """The settings (environment variables) by which a job finds this server."""

    def finish_start(self) -> None:  # noqa: B027  (a hook: most servers need nothing here)
        """What is to be done once the server answers."""

    def ports(self) -> list[int]:
        """Every port that the server listens on."""
        return [self.port]

    def running(self) -> bool:
        """Whether the process is alive (not: whether it is healthy, see `ready`)."""
        return self.process.pid() is not None

    def start(self) -> bool:
        """Starts the server and waits until it serves; False when it already ran."""
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
        self.process.start(self.command(), cwd=self.folder)
        try:
            self.process.wait_ready(self.ready, self.ready_seconds)
            self.finish_start()
        except BaseException:
            self.process.kill()  # a server that did not become healthy is not left behind
            raise
        return True

    def stop(self, *, kill: bool = False) -> None:
        """Stops the server, keeping its data; `kill` does it with SIGKILL, as a crash would."""
        if kill:
            self.process.kill()
        else:
            self.process.stop(self.stop_signal, self.stop_seconds)

    def run_tool(self, command: Sequence[str], *, what: str, env: Mapping[str, str] | None = None) -> str:
        """Runs a program of the server's own to its end and returns its output."""
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
