"""A clean castro_spark on the secured servers: its jobs have TLS, logins, and the rights that docs/security.md gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis
import yaml
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic

from castro_spark.streams import all_streams
from tests.secured.authority import Authorities
from tests.secured.rights import USER, allow, deny, of_docs
from tests.secured.servers import ADMIN, SecuredKafka, SecuredPostgres, SecuredRedis
from tests.system import PARTITIONS, System

NO_KAFKA = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
_KAFKA = {"options": {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}, "sasl_username": USER}


class SecuredServers:
    """The three servers, as a stack that tests administer."""

    def __init__(
        self, kafka: SecuredKafka | None, postgres: SecuredPostgres, redis_server: SecuredRedis, authorities: Authorities,
        password_file: Path,
    ) -> None:  # fmt: skip
        self.kafka, self.postgres, self.redis = kafka, postgres, redis_server
        self.authorities, self.password_file = authorities, password_file

    def env(self) -> dict[str, str]:
        """The administrator's, at the listener without TLS that Kafka has for the tests."""
        dsn = f"host=localhost port={self.postgres.port} dbname=inventory_ml user={ADMIN}"
        return {
            **(self.kafka.env() if self.kafka else NO_KAFKA), **self.redis.env(), "CASTRO_ARCHIVE_DIR": "",
            "CASTRO_POSTGRES_DSN": f"{dsn} sslmode=verify-full sslrootcert={self.authorities.ca}",
            "CASTRO_POSTGRES_PASSWORD_FILE": str(self.postgres.folder / "password"),
        }  # fmt: skip


class SecuredSystem(System):
    """All streams, so that every table of the grants is there. `env` is that of the user with few rights."""

    def __init__(self, servers: SecuredServers, folder: Path) -> None:
        self._servers = servers
        super().__init__(servers, folder, tuple(all_streams()))  # type: ignore[arg-type]
        file = str(servers.password_file)
        self.env |= {
            "CASTRO_POSTGRES_DSN": self.dsn(USER),
            "CASTRO_REDIS_USERNAME": USER,
        }
        for name in ("KAFKA_SASL", "POSTGRES", "REDIS"):
            self.env[f"CASTRO_{name}_PASSWORD_FILE"] = file
        for name in ("KAFKA", "POSTGRES", "REDIS"):
            self.env[f"CASTRO_{name}_CA_FILE"] = str(servers.authorities.ca)
        if servers.kafka:
            self.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"] = f"localhost:{servers.kafka.secured_port}"
        self.administer("GRANT CONNECT, CREATE ON DATABASE")

    def configure(self, settings: Mapping[str, Any]) -> None:
        streams = {name: {"topic": topic, "partitions": PARTITIONS} for name, topic in self.topics.items()}
        self.conf.write_text(yaml.safe_dump({"kafka": _KAFKA, **settings, "streams": streams}))

    def dsn(self, user: str) -> str:
        return f"host=localhost port={self._servers.postgres.port} dbname={self.database} user={user}"

    def migrate(self, *, topics: bool = True) -> None:
        """As the tables' owner; `topics`: by the job, with the right to create them. Then the rights of the user."""
        mine, self.env = self.env, {**self.env, "CASTRO_POSTGRES_DSN": self.dsn(f"{USER}_owner")}
        if topics:
            self._allow(AclOperation.CREATE, AclOperation.DESCRIBE)
            self.job("migrate")
            self._allow(AclOperation.READ)
        else:
            super().migrate(topics=False)
        self.env = mine
        self.administer("GRANT SELECT, INSERT")

    def create_topics(self) -> None:
        """By the administrator, who also lets the user read them."""
        assert self._servers.kafka
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{self._servers.kafka.port}"})
        for future in admin.create_topics([NewTopic(topic, PARTITIONS) for topic in self.topics.values()]).values():
            future.result(30)
        self._allow(AclOperation.READ)

    def administer(self, holding: str) -> None:
        """Runs that block of docs/security.md."""
        self.query(of_docs("sql", holding).replace("inventory_ml", self.database, 1).replace(
            "DATABASE inventory_ml", f"DATABASE {self.database}"))  # fmt: skip

    def deny_read(self, stream: str) -> None:
        """Takes Read on the topic away; what else `migrate` was allowed stays."""
        assert self._servers.kafka
        deny(self._servers.kafka, self.topics[stream])

    def _allow(self, *operations: AclOperation) -> None:
        assert self._servers.kafka
        for topic in self.topics.values():
            allow(self._servers.kafka, topic, *operations)

    def _redis(self, url: str) -> redis.Redis:
        return self._servers.redis.client(int(url.rpartition("/")[2]))
