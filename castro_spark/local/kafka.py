"""Kafka: one KRaft node, broker and controller in one JVM, from the jars that spark-submit.sh fetches."""

from __future__ import annotations

import os
import shutil
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from castro_spark.local.process import LocalServiceError, port_answers, write_private
from castro_spark.local.server import Server

_JVM = [
    "-Xms256m",
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",  # slf4j-simple writes to the log file
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
]

_LARGEST = str(4 * 1024 * 1024)  # bytes per record batch; a fetch must be able to hold one


class Kafka(Server):
    """Topics are not auto-created: as in production, a job must report a missing topic."""

    name = "kafka"
    ready_seconds = 60
    stop_seconds = 20

    def __init__(self, folder: Path, port: int, controller_port: int, jars: Path) -> None:
        super().__init__(folder, port)
        self.controller_port = controller_port
        self.jars = jars

    def ports(self) -> list[int]:
        return [self.port, self.controller_port]

    def prepare(self) -> None:
        if not any(self.jars.glob("kafka_*.jar")):
            raise LocalServiceError(
                f"kafka: no Kafka jars in {self.jars}: let ./spark-submit.sh local up fetch them"
            )
        listeners = f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}"
        settings = {
            "process.roles": "broker,controller", "node.id": "1", "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}", "listeners": listeners,
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": str(self.folder / "data"),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "auto.create.topics.enable": "false", "num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            "message.max.bytes": _LARGEST, "replica.fetch.max.bytes": _LARGEST,
            # After a crash the node can rejoin only when its old session has expired (default: 9 s).
            "broker.session.timeout.ms": "5000", "broker.heartbeat.interval.ms": "1000",
            # One node: no replication. Few partitions: the default of 50 costs seconds on first use.
            "offsets.topic.replication.factor": "1", "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
        }  # fmt: skip
        write_private(self._properties, "".join(f"{name}={value}\n" for name, value in settings.items()))
        if not (self.folder / "data" / "meta.properties").exists():
            shutil.rmtree(self.folder / "data", ignore_errors=True)  # left by an interrupted format
            cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            tool = [*self._java("kafka.tools.StorageTool"), "format", "--config", str(self._properties)]
            # without a leading "-", which would be parsed as an option
            self.run_tool([*tool, "--cluster-id", f"K{cluster[1:]}"], what="formatting its storage")

    def command(self) -> list[str]:
        return [*self._java("kafka.Kafka"), str(self._properties)]

    def ready(self) -> bool:
        if not port_answers(self.port):
            return False
        from confluent_kafka import KafkaException  # noqa: PLC0415  (only with the extra `local`)
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        try:  # an open port does not mean a registered broker: it must list itself
            admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0})
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def env(self) -> dict[str, str]:
        return {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.port}"}

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, main: str) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
        if java is None:
            raise LocalServiceError("kafka: no java found: set JAVA_HOME, or put Java 17 or newer on PATH")
        return [java, *_JVM, "-cp", str(self.jars / "*"), main]
