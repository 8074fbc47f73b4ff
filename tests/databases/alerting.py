"""A database with castro's tables, settings and a Redis database for incidents and the outbox; no Kafka and no JVM."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import redis
import yaml
from psycopg2.sql import Composable

from castro_spark.local import Stack
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.schema.migrate import migrate

NO_KAFKA = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}


class Alerting:
    """A clean database on the servers of `stack`, the same for all tests. Delivery retries within fractions of a second."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.folder = folder
        env = {name: value for name, value in stack.env().items() if name != "CASTRO_ARCHIVE_DIR"}
        self.env = {**os.environ, **env, **NO_KAFKA}
        self.redis_url = env["CASTRO_REDIS_URL"]
        password = Path(env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
        self.redis = redis.Redis.from_url(self.redis_url, password=password, decode_responses=True)
        self.redis.flushdb()
        self.conf = folder / "alerts.yaml"
        self.settings = self.configure({})
        with closing(self.connect()) as connection:
            migrate(connection, [])
        # A test that failed may have left sessions.
        self.query(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        self.query("TRUNCATE castro.incident, castro.incident_event, castro.outbox RESTART IDENTITY")

    def configure(self, channels: Mapping[str, Any], **outbox: Any) -> Settings:
        """Settings with these channels beside `log`; secrets are in `env`."""
        fast = {"retry_first_seconds": 0.05, "retry_most_seconds": 0.2, "poll_seconds": 0.2, **outbox}
        self.conf.write_text(yaml.safe_dump({"alerts": {"channels": dict(channels), "outbox": fast}}))
        self.settings = load_settings(conf_file=self.conf, environ=self.env)
        return self.settings

    def connect(self) -> Connection:
        """A session as the jobs have it."""
        return connect(self.settings.postgres, "test")

    def query(self, statement: str | Composable, parameters: Any = None) -> list[tuple[Any, ...]]:
        connection = self.connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """The key and the certificate of a server at `localhost`."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", folder / "key", "-out", folder / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "key", folder / "cert"


def wait_until(done: Callable[[], object], seconds: float = 30, words: Callable[[], object] = lambda: "") -> None:
    """Waits until `done` returns something true."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not after {seconds} s: {words()}"
        time.sleep(0.02)
