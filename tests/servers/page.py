"""A page on a database of its own, served by its job's process, with the rights of docs/page.md."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis
import yaml
from psycopg2.sql import Composable

from castro_spark.local import Stack
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from castro_spark.streams import all_streams
from tests.statements import composed
from tests.system import ROOT

READER, COMMANDER, PASSWORD = "castro_page", "castro_page_commands", "s3cret of the page"
_START_SECONDS = 60


class House:
    """A migrated database, and a page for it. `conf` is merged into its settings' section `page`."""

    def __init__(self, stack: Stack, folder: Path, number: int, conf: Mapping[str, Any] | None = None) -> None:
        self.stack, self.folder = stack, folder
        self.database = f"page_{number}"
        self._process: subprocess.Popen[str] | None = None
        env = stack.env()
        self._dsn = env["CASTRO_POSTGRES_DSN"].replace("inventory_ml", self.database)
        self.password = Path(env["CASTRO_POSTGRES_PASSWORD_FILE"]).read_text().strip()
        with closing(psycopg2.connect(env["CASTRO_POSTGRES_DSN"], password=self.password)) as connection:
            connection.autocommit = True
            connection.cursor().execute(composed("CREATE DATABASE {database}", database=self.database))
        base, _, _ = env["CASTRO_REDIS_URL"].rpartition("/")
        secrets = folder / f"{self.database}.password"
        secrets.write_text(PASSWORD)
        self.env = {
            **os.environ, **env, "PYTHONPATH": str(ROOT), "CASTRO_POSTGRES_DSN": self._dsn,
            "CASTRO_REDIS_URL": f"{base}/{number % 15}",
            "CASTRO_PAGE_POSTGRES_DSN": self._of(READER), "CASTRO_PAGE_POSTGRES_PASSWORD_FILE": str(secrets),
            "CASTRO_PAGE_ACTIONS_POSTGRES_DSN": self._of(COMMANDER),
            "CASTRO_PAGE_ACTIONS_POSTGRES_PASSWORD_FILE": str(secrets),
        }  # fmt: skip
        self.env.pop("CASTRO_ARCHIVE_DIR", None)
        self.conf = folder / f"{self.database}.yaml"
        self.conf.write_text(yaml.safe_dump({"page": {"port": 0, "refresh_seconds": 1, **(conf or {})}}))
        with redis.Redis.from_url(
            self.env["CASTRO_REDIS_URL"], password=Path(env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
        ) as client:
            client.flushdb()
        with closing(connect(self.settings.postgres, "test")) as connection:
            migrate(connection, list(all_streams().values()))
            migrate_warehouse(connection, self.settings.warehouse.mapped)
        self._grant()

    @property
    def settings(self) -> Settings:
        return load_settings(conf_file=self.conf, environ=self.env)

    @property
    def today(self) -> Any:
        return datetime.now(self.settings.zone).date()

    def start(self) -> str:
        """Starts the page; returns its address, without a slash at its end."""
        command = [sys.executable, str(ROOT / "jobs" / "dashboard.py"), "--conf-file", str(self.conf)]
        log = (self.folder / f"{self.database}.log").open("w")
        self._process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "http://" in line, f"{line}{self.log()}"
        self.url = line.split()[-1].rstrip("/")
        deadline = time.monotonic() + _START_SECONDS
        while self.get("/alive").status != 200:
            assert time.monotonic() < deadline, self.log()
        return self.url

    def log(self) -> str:
        return (self.folder / f"{self.database}.log").read_text()

    def stop(self) -> int:
        """Ends the page as an operator would; returns its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        """Asks the page. Headers are given with _ for -."""
        where = urlsplit(self.url)
        with closing(http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())

    def query(self, statement: str | Composable, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Runs a statement as the owner of the tables."""
        session = psycopg2.connect(self._dsn, password=self.password)
        with closing(session), session, session.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def role(self, name: str) -> Any:
        """A bare session of one of the page's roles."""
        return psycopg2.connect(self._of(name), password=PASSWORD)

    def _of(self, role: str) -> str:
        return re.sub(r"user=\S+", f"user={role}", self._dsn)

    def _grant(self) -> None:
        for role in (READER, COMMANDER):
            if not self.query("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)):
                self.query(composed("CREATE ROLE {role} LOGIN PASSWORD %s", role=role), (PASSWORD,))
        for block in re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "page.md").read_text(), re.DOTALL):
            self.query(block.replace("inventory_ml", self.database))


class Answer:
    """A response."""

    def __init__(self, status: int, headers: dict[str, str], text: str) -> None:
        self.status, self.text = status, text
        self.headers = {name.lower(): value for name, value in headers.items()}
