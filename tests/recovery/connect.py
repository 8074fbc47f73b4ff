"""A real Debezium: Kafka Connect, standalone in one JVM, with the connector of conf/docker; all of it on loopback."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from castro_spark.local.guard import Guard
from castro_spark.local.process import LocalServiceError, free_port, write_private
from castro_spark.local.server import Server
from castro_spark.local.stack import castro_home
from tests.system import ROOT

_JVM = [
    "-Xms64m",
    "-Xmx256m",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka=warn",  # its clients tell much; Debezium's own words are wanted
]
CONF = ROOT / "conf" / "docker" / "connect"
_PASSWORD = "source_password"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy


class Connect(Server):
    """Ready means that the connector and its task are RUNNING. It ends with this process, even when that is killed.

    `bootstrap` are Kafka's servers, `env` and `password` say where the source is, and `changes` are what differs from
    conf/docker/connect/castrolanda.json. Offsets are kept in the folder, so a restart goes on from them.
    """

    name = "connect"
    ready_seconds = 90
    stop_seconds = 20

    def __init__(
        self, folder: Path, bootstrap: str, *, env: Mapping[str, str], password: str, changes: Mapping[str, str]
    ) -> None:
        super().__init__(folder / self.name, free_port())
        self._offsets, self._secrets = self.folder / "offsets", self.folder / "secrets"
        self._env, self._password = dict(env), password
        shipped = json.loads((CONF / "castrolanda.json").read_text())
        self._connector = {**shipped, "database.password": f"${{dir:{self._secrets}:{_PASSWORD}}}", **changes}
        self._worker = {
            "bootstrap.servers": bootstrap,
            "listeners": f"http://127.0.0.1:{self.port}",
            "offset.storage.file.filename": str(self._offsets),
            # Seldom enough that a killed connector has changes to send again, often enough to have offsets at all.
            "offset.flush.interval.ms": "10000",
            "plugin.discovery": "service_load",  # all is on the class path; scanning it takes seconds
            "config.providers.dir.param.allowed.paths": str(self._secrets),
        }
        self._jars = castro_home() / "jars" / "connect"
        self._guard = Guard(folder)

    def prepare(self) -> None:
        if not any(self._jars.glob("connect-runtime-*.jar")):
            raise LocalServiceError(f"connect: no jars in {self._jars}: CASTRO_DEV=1 ./spark-submit.sh prepare")
        # Of a property that is there twice, Java takes the last.
        ours = "".join(f"{name}={value}\n" for name, value in self._worker.items())
        self._worker_file.write_text((CONF / "worker.properties").read_text() + ours)
        self._connector_file.write_text(json.dumps(self._connector))
        self._secrets.mkdir(exist_ok=True)
        write_private(self._secrets / _PASSWORD, self._password)

    def command(self) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
        assert java, "no java: set JAVA_HOME, or put Java 17 or newer on PATH"
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        return [java, *_JVM, "-cp", str(self._jars / "*"), main, str(self._worker_file), str(self._connector_file)]

    def ready(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.port}/connectors/{self._connector['name']}/status"
            with _DIRECT.open(address, timeout=5) as answer:
                status = json.load(answer)
        except OSError:  # not there yet, or its connector is not (404)
            return False
        parts = [status["connector"], *status["tasks"]]
        if any(part["state"] == "FAILED" for part in parts):
            raise LocalServiceError(f"connect: {json.dumps(status, indent=2)}{self.process.log_end()}")
        return len(parts) > 1 and all(part["state"] == "RUNNING" for part in parts)

    def env(self) -> dict[str, str]:
        return {}

    def process_env(self) -> dict[str, str]:
        return self._env

    def start(self) -> bool:
        self._guard.dismiss()
        self._guard.watch([self.name])
        return super().start()

    def offsets_written(self) -> int | None:
        """When offsets were last written: it tells two writings apart; None before the first."""
        return self._offsets.stat().st_mtime_ns if self._offsets.exists() else None

    def end(self) -> None:
        """Ends it for good, whatever state it is in."""
        self.stop()
        self._guard.dismiss()

    @property
    def _worker_file(self) -> Path:
        return self.folder / "worker.properties"

    @property
    def _connector_file(self) -> Path:
        return self.folder / "castrolanda.json"
