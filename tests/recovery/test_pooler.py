"""A real pooler before PostgreSQL: sessions of one's own work, shared ones are refused in words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from castro_spark.errors import SessionRefused
from castro_spark.local import unprivileged
from castro_spark.local.process import free_port
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import connect
from tests.system import System

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="apt-get install pgbouncer"),
]
_CONF = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = {mode}
logfile = {folder}/log
"""


@contextmanager
def pooler(system: System, mode: str) -> Iterator[Settings]:
    folder, port = system.folder / "pgbouncer", free_port()
    folder.mkdir()
    server = psycopg2.extensions.parse_dsn(system.env["CASTRO_POSTGRES_DSN"])["port"]
    (folder / "conf").write_text(_CONF.format(server=server, port=port, folder=folder, mode=mode))
    (folder / "users").write_text(f'"castro" "{system._password}"\n')
    (folder / "users").chmod(0o600)
    # Root it refuses to be.
    as_somebody = [sys.executable, "-I", unprivileged.__file__] if os.geteuid() == 0 else []
    process = subprocess.Popen([*as_somebody, shutil.which("pgbouncer") or "", "-q", str(folder / "conf")])
    dsn = make_dsn(system.env["CASTRO_POSTGRES_DSN"], port=port)
    try:
        for _ in range(100):
            try:
                psycopg2.connect(dsn, password=system._password).close()
                break
            except psycopg2.OperationalError:
                time.sleep(0.1)
        yield load_settings(conf_file=system.conf, environ={**system.env, "CASTRO_POSTGRES_DSN": dsn})
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_shared_sessions_are_refused(system: System, mode: str) -> None:
    with pooler(system, mode) as settings:
        for _ in range(3):
            with pytest.raises(SessionRefused, match="pooler"):
                connect(settings.postgres, "test")
        dsn, password = settings.postgres.dsn, system._password
        with closing(psycopg2.connect(dsn, password=password)) as other:  # nobody else's session was changed
            other.autocommit = True
            with other.cursor() as cursor:
                cursor.execute("SELECT current_setting('row_security'), current_setting('jit')")
                assert cursor.fetchone() == ("on", "on")


def test_sessions_of_ones_own_are_used(system: System) -> None:
    with pooler(system, "session") as settings:
        for _ in range(3):
            with closing(connect(settings.postgres, "test")) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('row_security'), current_setting('TimeZone')")
                assert cursor.fetchone() == ("off", "UTC")
