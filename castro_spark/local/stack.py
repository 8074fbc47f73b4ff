"""The three embedded servers of one folder, started and stopped together: `Stack(folder)`.

    folder/stack.json      the ports, chosen at the first `up` and reused (mode 0600)
    folder/<server>/       its data, configuration, log, pid file and generated password
    folder/checkpoints/    and folder/archive/: for the jobs that use this stack
    folder/warehouse/      the embedded Hive, if it was created (warehouse.py)
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from castro_spark.local.guard import Guard
from castro_spark.local.kafka import Kafka
from castro_spark.local.postgres import Postgres
from castro_spark.local.process import LocalServiceError, free_port, write_private
from castro_spark.local.redis import Redis
from castro_spark.local.server import Server
from castro_spark.resources import castro_home

# The setting that names an external server; that server's other settings are passed through.
_SETTING = {
    "kafka": "CASTRO_KAFKA_BOOTSTRAP_SERVERS", "postgres": "CASTRO_POSTGRES_DSN", "redis": "CASTRO_REDIS_URL",
}  # fmt: skip
_PORTS = ("kafka", "kafka_controller", "postgres", "redis")


@dataclass(frozen=True)
class ServiceStatus:
    """A server's status: its port (None for an external server) and whether it serves clients."""

    name: str
    state: str  # "up", "down", "not answering" or "external"
    port: int | None
    pid: int | None
    log: Path | None


class Stack:
    """Embedded Kafka, PostgreSQL and Redis with their data in `folder`.

    `external`: settings of external servers to use instead; such a server is neither started nor stopped.
    `die_with_parent`: the servers that this object starts end with this process, even if it is killed.
    """

    def __init__(
        self, folder: Path | str, *, die_with_parent: bool = False, external: Mapping[str, str] | None = None,
        kafka_jars: Path | str | None = None,
    ) -> None:  # fmt: skip
        self.folder = Path(folder).expanduser().resolve()
        self._external = dict(external or {})
        self._jars = Path(kafka_jars) if kafka_jars else castro_home() / "jars" / "kafka"
        self._guard = Guard(self.folder) if die_with_parent else None
        self._servers: dict[str, Server] = {}
        if (self.folder / "stack.json").exists():
            self._load(self._ports())

    @property
    def kafka(self) -> Kafka:
        """The embedded Kafka, to stop or start it separately."""
        server = self._server("kafka")
        assert isinstance(server, Kafka)
        return server

    @property
    def postgres(self) -> Postgres:
        """The embedded PostgreSQL, to stop or start it separately."""
        server = self._server("postgres")
        assert isinstance(server, Postgres)
        return server

    @property
    def redis(self) -> Redis:
        """The embedded Redis, to stop or start it separately."""
        server = self._server("redis")
        assert isinstance(server, Redis)
        return server

    @property
    def warehouse(self) -> Path:
        """The folder of the embedded Hive."""
        return self.folder / "warehouse"

    def up(self, report: Callable[[str, float], None] | None = None) -> None:
        """Starts the servers that do not run yet, in parallel. If one fails, stops those that it started.

        `report` is called with each server's name and the seconds it took (0 if it was running already).
        """
        with self._locked():
            self._load(self._ports())
            down = [name for name, server in self._servers.items() if not server.running()]
            if self._guard and down:
                self._guard.watch(down)  # before the first start, so that a kill during the start leaves nothing behind
            with ThreadPoolExecutor(max_workers=len(_SETTING)) as pool:
                begun = time.monotonic()

                def start(server: Server) -> None:
                    started = server.start()
                    if report:
                        report(server.name, time.monotonic() - begun if started else 0.0)

                tasks = [pool.submit(start, server) for server in self._servers.values()]
            errors = [error for task in tasks if (error := task.exception())]
            if errors:
                for name in down:
                    self._servers[name].stop()
                if self._guard and down:
                    self._guard.dismiss_newest()
                raise errors[0]
            (self.folder / "checkpoints").mkdir(exist_ok=True)

    def down(self) -> None:
        """Stops every embedded server of this folder; the data remains."""
        if not self.folder.exists():
            return
        with self._locked():
            with ThreadPoolExecutor(max_workers=len(_SETTING)) as pool:
                tasks = [pool.submit(server.stop) for server in self._servers.values()]
                errors = [error for task in tasks if (error := task.exception())]
            if errors:
                raise errors[0]
            if self._guard:
                self._guard.dismiss()

    def status(self) -> list[ServiceStatus]:
        """Each server's status, checked with a client connection."""
        return [self._status(name) for name in _SETTING]

    def env(self) -> dict[str, str]:
        """The environment variables with which the jobs use this stack."""
        values = {
            "CASTRO_CHECKPOINT_DIR": str(self.folder / "checkpoints"),
            "CASTRO_ARCHIVE_DIR": str(self.folder / "archive"),
        }
        if (self.warehouse / "made").exists():
            values["CASTRO_WAREHOUSE_DIR"] = str(self.warehouse)
        for name in _SETTING:
            if not self._is_external(name):
                values |= self._server(name).env()
        return values | self._external

    def __enter__(self) -> Stack:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def _status(self, name: str) -> ServiceStatus:
        if self._is_external(name):
            return ServiceStatus(name, "external", None, None, None)
        server = self._servers.get(name)
        if server is None:
            return ServiceStatus(name, "down", None, None, None)
        pid = server.process.pid()
        state = "down" if pid is None else "up" if server.ready() else "not answering"
        return ServiceStatus(name, state, server.port, pid, server.process.log)

    def _is_external(self, name: str) -> bool:
        return bool(self._external.get(_SETTING[name]))

    def _server(self, name: str) -> Server:
        if self._is_external(name):
            raise LocalServiceError(f"{name} is not embedded here: {_SETTING[name]} names an external server")
        if name not in self._servers:
            raise LocalServiceError(f"nothing was ever started in {self.folder}: call up first (local up)")
        return self._servers[name]

    def _ports(self) -> dict[str, int]:
        """The folder's ports; the first call chooses them."""
        path = self.folder / "stack.json"
        if not path.exists():
            chosen: dict[str, int] = {}
            for name in _PORTS:
                chosen[name] = free_port(frozenset(chosen.values()))
            write_private(path, json.dumps({"ports": chosen}, indent=2) + "\n")
        try:
            ports = json.loads(path.read_text(encoding="utf-8"))["ports"]
            return {name: int(ports[name]) for name in _PORTS}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LocalServiceError(f"{path} cannot be read ({error!r}): delete it for new ports") from error

    def _load(self, ports: Mapping[str, int]) -> None:
        if self._servers:  # do not replace them: they reference the child processes
            return
        servers: dict[str, Server] = {
            "kafka": Kafka(self.folder / "kafka", ports["kafka"], ports["kafka_controller"], self._jars),
            "postgres": Postgres(self.folder / "postgres", ports["postgres"]),
            "redis": Redis(self.folder / "redis", ports["redis"]),
        }
        self._servers = {name: server for name, server in servers.items() if not self._is_external(name)}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Serializes `up` and `down` of a folder; the lock is released when its process ends."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
