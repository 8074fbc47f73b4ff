"""Kafka Connect with Debezium's JDBC sink: upsert, many rows a statement (unnest), events only.

It gets a schema for plain JSON by Kafka Connect's own converter, renames the fields by its transformations, and leaves
the derived columns to PostgreSQL (sql/tables_debezium.sql).
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from urllib.error import URLError

from benchmarks.peers.artefacts import connect_jars, java
from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import Ground
from castro_spark.local.process import free_port, write_private

_JVM = [
    "-Xms256m", "-Xmx1g", "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    # The records' local times are cast in the session's zone, which PostgreSQL's driver sets to the JVM's, whatever the
    # URL's options say.
    "-Duser.timezone=America/Sao_Paulo",
]  # fmt: skip
_MAIN = "org.apache.kafka.connect.cli.ConnectStandalone"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
_BATCH = "5000"
_TEXTS = {
    "id_evento": "event_id", "codigo_produto": "product_code", "tipo_movimentacao": "transaction_type",
    "custo_unitario": "unit_cost", "data_movimentacao": "timestamp", "deposito": "warehouse", "fornecedor": "supplier",
    "cliente": "customer",
}  # fmt: skip
_NUMBER = {"quantidade": "quantity"}


def _schema() -> str:
    fields = [{"field": name, "type": "string", "optional": True} for name in _TEXTS]
    fields += [{"field": name, "type": "double", "optional": True} for name in _NUMBER]
    data = {"field": "data", "type": "struct", "optional": True, "fields": fields}
    return json.dumps({"type": "struct", "fields": [{"field": "table", "type": "string", "optional": True}, data]})


def _name(ground: Ground) -> str:
    """Another one in each run: its consumer group is named after it, and has offsets."""
    return f"events-{ground.system.database}"


def _connector(ground: Ground) -> dict[str, str]:
    to = ground.dsn()
    renames = ",".join(f"{name}:{column}" for name, column in (_TEXTS | _NUMBER).items())
    return {
        "name": _name(ground), "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max": "1",
        "topics": ground.topic,
        "connection.url": f"jdbc:postgresql://{to['host']}:{to['port']}/{to['dbname']}?reWriteBatchedInserts=true",
        "connection.username": to["user"], "connection.password": to["password"],
        "insert.mode": "upsert", "primary.key.mode": "record_value", "primary.key.fields": "event_id",
        "schema.evolution": "none", "collection.name.format": "ml_inventory_realtime",
        "dialect.postgres.unnest.insert.enabled": "true", "use.reduction.buffer": "true", "batch.size": _BATCH,
        "consumer.override.max.poll.records": _BATCH, "consumer.override.auto.offset.reset": "earliest",
        "consumer.override.fetch.min.bytes": "1", "consumer.override.fetch.max.wait.ms": "20",
        # A record that the converter or a transformation refuses goes to a topic; one that PostgreSQL refuses stops it.
        "errors.tolerance": "all", "errors.deadletterqueue.topic.name": f"{ground.topic}.rejects",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "transforms": "data,names,place",
        "transforms.data.type": "org.apache.kafka.connect.transforms.ExtractField$Value",
        "transforms.data.field": "data",
        "transforms.names.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms.names.renames": renames,
        "transforms.place.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.place.partition.field": "source_partition", "transforms.place.offset.field": "source_offset",
    }  # fmt: skip


def _prepare(ground: Ground) -> None:
    ground.run_sql("tables_debezium.sql")
    connect_jars()  # fetched before anything is measured


def _start(ground: Ground) -> subprocess.Popen[bytes]:
    ground.port = free_port()
    worker = {
        "bootstrap.servers": ground.bootstrap, "listeners": f"http://127.0.0.1:{ground.port}",
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true", "value.converter.schema.content": _schema(),
        "offset.storage.file.filename": str(ground.folder / "offsets"), "offset.flush.interval.ms": "5000",
        "plugin.discovery": "service_load",
    }  # fmt: skip
    files = []
    for name, settings in (("worker", worker), ("connector", _connector(ground))):
        file = ground.folder / f"{name}.properties"
        # Java's properties take a backslash for an escape, and a password is among them: for the owner only.
        write_private(file, "".join(f"{key}={value}\n".replace("\\", "\\\\") for key, value in settings.items()))
        files.append(str(file))
    return ground.popen([java(), *_JVM, "-cp", connect_jars(), _MAIN, *files])


def _ready(ground: Ground) -> bool:
    try:
        with _DIRECT.open(f"http://127.0.0.1:{ground.port}/connectors/{_name(ground)}/status", timeout=2) as answer:
            tasks = json.load(answer)["tasks"]
    except (URLError, OSError, KeyError):
        return False
    return any(task["state"] in {"RUNNING", "FAILED"} for task in tasks)


CONTESTANTS = (
    Contestant(
        "debezium", "Kafka Connect, Debezium's JDBC sink", Job.EVENTS, _prepare, _start, _ready, ends=False,
        not_promised="at least once; a record that PostgreSQL refuses stops it; numbers pass through binary floats",
    ),
)  # fmt: skip
