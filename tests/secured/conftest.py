"""Servers with TLS, each started when a test first needs it, and users with no more rights than the docs give them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from castro_spark.local import Stack
from castro_spark.local.guard import serving
from castro_spark.local.process import free_port, write_private
from castro_spark.local.stack import castro_home
from tests.secured import debian
from tests.secured.authority import Authorities
from tests.secured.rights import PASSWORD, USER, of_docs
from tests.secured.servers import SecuredKafka, SecuredPostgres, SecuredRedis
from tests.secured.system import NO_KAFKA, SecuredServers, SecuredSystem
from tests.statements import composed


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secured")


@pytest.fixture(scope="session")
def authorities(servers_folder: Path) -> Authorities:
    folder = servers_folder / "certificates"
    folder.mkdir()
    return Authorities(folder)


@pytest.fixture(scope="session")
def password_file(servers_folder: Path) -> Path:
    """The password of the product's user at all servers."""
    write_private(servers_folder / "password", PASSWORD + "\n")
    return servers_folder / "password"


@pytest.fixture(scope="session")
def postgres(servers_folder: Path, authorities: Authorities) -> Iterator[SecuredPostgres]:
    server = SecuredPostgres(servers_folder / "postgres", free_port(), debian.programs()[0], authorities)
    with serving(server):
        with closing(server.connect("postgres")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for role in (USER, f"{USER}_owner"):
                    cursor.execute(composed("CREATE ROLE {role} LOGIN PASSWORD %s", role=role), (PASSWORD,))
                cursor.execute("CREATE DATABASE inventory_ml")
        yield server


@pytest.fixture(scope="session")
def redis_server(servers_folder: Path, authorities: Authorities) -> Iterator[SecuredRedis]:
    server = SecuredRedis(servers_folder / "redis", free_port(), debian.programs()[1], authorities)
    rule = of_docs("text", "ACL SETUSER").replace("\\\n", " ").replace(">PASSWORD", "").split()
    with serving(server):
        with closing(server.client()) as client:
            client.execute_command(*rule, f">{PASSWORD}")
        yield server


@pytest.fixture(scope="session")
def without_tls(servers_folder: Path) -> Iterator[Stack]:
    """A PostgreSQL and a Redis that have no TLS: the embedded ones."""
    with Stack(servers_folder / "without-tls", die_with_parent=True, external=NO_KAFKA) as stack:
        yield stack


@pytest.fixture(scope="session")
def kafka(servers_folder: Path, authorities: Authorities) -> Iterator[SecuredKafka]:
    ports: list[int] = []
    while len(ports) < 4:
        ports.append(free_port(frozenset(ports)))
    server = SecuredKafka(servers_folder / "kafka", ports, castro_home() / "jars" / "kafka", authorities)
    with serving(server):
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{server.port}"})
        credentials = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        made = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(USER, credentials, PASSWORD.encode())])
        for future in made.values():
            future.result(30)
        yield server


@pytest.fixture
def secured(
    kafka: SecuredKafka, postgres: SecuredPostgres, redis_server: SecuredRedis, authorities: Authorities, password_file: Path,
    tmp_path: Path,
) -> Iterator[SecuredSystem]:  # fmt: skip
    """A clean system on them."""
    system = SecuredSystem(SecuredServers(kafka, postgres, redis_server, authorities, password_file), tmp_path)
    system.migrate()
    yield system
    system.end()


@pytest.fixture
def tables(
    postgres: SecuredPostgres, redis_server: SecuredRedis, authorities: Authorities, password_file: Path, tmp_path: Path
) -> Iterator[SecuredSystem]:
    """A clean system without Kafka."""
    system = SecuredSystem(SecuredServers(None, postgres, redis_server, authorities, password_file), tmp_path)
    system.migrate(topics=False)
    yield system
    system.end()
