"""The three servers with TLS and no way in without it, except a listener of Kafka's for the tests themselves."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import redis

from castro_spark.local.kafka import Kafka
from castro_spark.local.postgres import _as_server, _give_to_server
from castro_spark.local.process import write_private
from castro_spark.local.server import Server
from tests.secured.authority import Authorities, Identity

ADMIN = "administrator"


class SecuredKafka(Kafka):
    """SASL_SSL with SCRAM, and an authoriser that refuses what no ACL allows.

    `port`: the tests' own listener, in clear, for superusers. `ports`: SECURED; EXPIRED is the same with an expired
    certificate.
    """

    def __init__(self, folder: Path, ports: list[int], jars: Path, authorities: Authorities) -> None:
        super().__init__(folder, ports[0], ports[1], jars)
        self.secured_port, self.expired_port = ports[2:]
        self._authorities = authorities

    def ports(self) -> list[int]:
        return [*super().ports(), self.secured_port, self.expired_port]

    def prepare(self) -> None:
        super().prepare()
        places = {"SECURED": self.secured_port, "EXPIRED": self.expired_port}
        advertised = [f"PLAINTEXT://127.0.0.1:{self.port}", *(f"{name}://localhost:{port}" for name, port in places.items())]
        settings = {
            "listeners": ",".join([
                f"PLAINTEXT://127.0.0.1:{self.port}", f"CONTROLLER://127.0.0.1:{self.controller_port}",
                *(f"{name}://127.0.0.1:{port}" for name, port in places.items()),
            ]),
            "advertised.listeners": ",".join(advertised),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL,EXPIRED:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }  # fmt: skip
        for name, identity in (("secured", self._authorities.valid), ("expired", self._authorities.expired)):
            settings |= {
                f"listener.name.{name}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
                f"listener.name.{name}.scram-sha-512.sasl.jaas.config":
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;",
                f"listener.name.{name}.ssl.keystore.type": "PEM",
                f"listener.name.{name}.ssl.keystore.location": str(identity.both),
            }  # fmt: skip
        with self._properties.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())


class SecuredPostgres(Server):
    """Takes logins by SCRAM over TLS only."""

    name = "postgres"
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, port: int, programs: Path, authorities: Authorities) -> None:
        super().__init__(folder, port)
        self._programs = programs
        self._authorities = authorities
        self.data = folder / "data"
        self.password = secrets.token_urlsafe(16)

    def prepare(self) -> None:
        write_private(self.folder / "password", self.password)
        self.data.mkdir(mode=0o700)
        for path in (self.folder / "password", self.data):
            _give_to_server(path)
        self.run_tool(
            [*_as_server(), str(self._programs / "initdb"), f"--pgdata={self.data}", f"--username={ADMIN}", "--no-sync",
             f"--pwfile={self.folder / 'password'}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"],
            what="initdb",
        )  # fmt: skip
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", "fsync": "off",
            "ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key", "ssl_ca_file": "ca.pem", "timezone": "UTC",
            "password_encryption": "scram-sha-256",
        }  # fmt: skip
        self._write("postgresql.conf", "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self._write("pg_hba.conf", "hostssl all all 127.0.0.1/32 scram-sha-256\n")
        self._write("ca.pem", self._authorities.ca.read_text())
        self._certify(self._authorities.valid)

    def command(self) -> list[str]:
        return [*_as_server(), str(self._programs / "postgres"), "-D", str(self.data)]

    def ready(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def env(self) -> dict[str, str]:
        return {"CASTRO_POSTGRES_DSN": f"host=localhost port={self.port} dbname=inventory_ml user={ADMIN}"}

    def connect(self, database: str) -> Any:
        """A connection of the administrator."""
        return psycopg2.connect(
            host="localhost", port=self.port, dbname=database, user=ADMIN, password=self.password, connect_timeout=5,
            sslmode="verify-full", sslrootcert=str(self._authorities.ca),
        )  # fmt: skip

    def use(self, identity: Identity) -> None:
        """The next logins see this certificate."""
        self._certify(identity)
        self.reload()

    def allow(self, rules: str) -> None:
        """The next logins are judged by these lines of pg_hba.conf."""
        self._write("pg_hba.conf", rules)
        self.reload()

    def reload(self) -> None:
        """Waits until the settings are read again."""
        pid = self.process.pid()
        assert pid is not None
        loaded = "SELECT pg_conf_load_time()"
        # By a session from before: the next login may be what is to be refused.
        with closing(self._observer()) as connection, connection.cursor() as cursor:
            cursor.execute(loaded)
            before = cursor.fetchone()
            os.kill(pid, signal.SIGHUP)
            for _ in range(200):
                cursor.execute("SELECT pg_sleep(0.02)")
                cursor.execute(loaded)
                if cursor.fetchone() != before:
                    return
        raise AssertionError("PostgreSQL does not read its settings again")

    def _observer(self) -> Any:
        connection = psycopg2.connect(
            host="localhost", port=self.port, dbname="postgres", user=ADMIN, password=self.password, sslmode="prefer"
        )
        connection.autocommit = True
        return connection

    def _certify(self, identity: Identity) -> None:
        self._write("server.pem", identity.certificate.read_text())
        self._write("server.key", identity.key.read_text())

    def _write(self, name: str, text: str) -> None:
        write_private(self.data / name, text)
        _give_to_server(self.data / name)


class SecuredRedis(Server):
    """No port but that with TLS; the default user is off."""

    name = "redis"

    def __init__(self, folder: Path, port: int, program: Path, authorities: Authorities) -> None:
        super().__init__(folder, port)
        self._program = program
        self._authorities = authorities
        self.password = secrets.token_urlsafe(16)

    def prepare(self) -> None:
        identity = self._authorities.valid
        settings = [
            "bind 127.0.0.1", "port 0", f"tls-port {self.port}", f"tls-cert-file {identity.certificate}",
            f"tls-key-file {identity.key}", f"tls-ca-cert-file {self._authorities.ca}", "tls-auth-clients no", 'save ""',
            "databases 16", "user default off", f"user {ADMIN} on >{self.password} ~* &* +@all",
        ]  # fmt: skip
        write_private(self.folder / "redis.conf", "\n".join(settings) + "\n")

    def command(self) -> list[str]:
        return [str(self._program), str(self.folder / "redis.conf")]

    def ready(self) -> bool:
        try:
            with closing(self.client()) as client:
                return bool(client.ping())
        except redis.exceptions.RedisError:
            return False

    def env(self) -> dict[str, str]:
        return {"CASTRO_REDIS_URL": f"rediss://localhost:{self.port}/1"}

    def client(self, database: int = 1) -> redis.Redis:
        """The administrator's."""
        return redis.Redis(
            "localhost", self.port, database, self.password, username=ADMIN, ssl=True,
            ssl_ca_certs=str(self._authorities.ca), ssl_check_hostname=True, decode_responses=True, socket_timeout=5,
        )  # fmt: skip

    def use(self, identity: Identity, by: redis.Redis) -> None:
        """The next connections see this certificate; `by` is connected already."""
        # Together: each is checked against the other.
        files = {"tls-cert-file": identity.certificate, "tls-key-file": identity.key}
        by.execute_command("CONFIG", "SET", *(word for name, file in files.items() for word in (name, str(file))))
