"""PostgreSQL with TLS: what it does not let in, and what castro_spark says about it. No JVM."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from castro_spark.errors import SessionRefused
from castro_spark.local import Stack
from castro_spark.observe.status import Status
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import connect, may_pass
from castro_spark.streams import all_streams
from tests.secured.authority import Authorities
from tests.secured.rights import PASSWORD, USER
from tests.secured.servers import SecuredPostgres

pytestmark = pytest.mark.cluster


@pytest.fixture
def env(postgres: SecuredPostgres, authorities: Authorities, password_file: Path) -> dict[str, str]:
    return {
        "CASTRO_POSTGRES_DSN": f"host=localhost port={postgres.port} dbname=inventory_ml user={USER}",
        "CASTRO_POSTGRES_PASSWORD_FILE": str(password_file),
        "CASTRO_POSTGRES_CA_FILE": str(authorities.ca),
    }


@pytest.fixture
def expired(postgres: SecuredPostgres, authorities: Authorities) -> Iterator[None]:
    postgres.use(authorities.expired)
    yield
    postgres.use(authorities.valid)


def refused(env: dict[str, str]) -> SessionRefused:
    """The error of a login, which a start does not repeat and a running stream does."""
    with pytest.raises(SessionRefused) as raised:
        connect(load_settings(environ=env).postgres, "test")
    assert may_pass(raised.value)
    assert not may_pass(raised.value, starting=True)
    assert PASSWORD not in str(raised.value)
    return raised.value


def test_lets_in_over_tls(env: dict[str, str]) -> None:
    settings: Settings = load_settings(environ=env)
    # As an executor gets them: it needs no file of the authority.
    of_executor = pickle.loads(pickle.dumps(settings.postgres))
    for of in (settings.postgres, of_executor):
        with closing(connect(of, "test")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            assert cursor.fetchone() == (True, "TLSv1.3")


@pytest.mark.parametrize(
    ("changes", "problem", "remedy"),
    [
        ({"ca": "other"}, "certificate verify failed (", "let postgres.ca_file name"),
        ({"ca": "other", "dsn": {"sslmode": "verify-ca"}}, "certificate verify failed", "let postgres.ca_file name"),
        ({"ca": "", "dsn": {"sslmode": "verify-full"}}, "root certificate file", "let postgres.ca_file name"),
        ({"dsn": {"host": "127.0.0.1"}}, 'for "localhost" does not match host name "127.0.0.1"', "hostaddr may hold the address"),
        ({"ca": "", "dsn": {"sslmode": "disable"}}, "no encryption", "takes no login without TLS: set postgres.ca_file"),
        ({"password": "wrong"}, f'password authentication failed for user "{USER}"', "CASTRO_POSTGRES_PASSWORD"),
        ({"dsn": {"user": "nobody"}}, 'failed for user "nobody"', "check user in postgres.dsn"),
        ({"dsn": {"dbname": "nowhere"}}, 'database "nowhere" does not exist', "CREATE DATABASE"),
    ],
)
def test_says_why_and_what_to_do(
    env: dict[str, str], authorities: Authorities, changes: dict[str, Any], problem: str, remedy: str
) -> None:
    names = dict(part.split("=") for part in env["CASTRO_POSTGRES_DSN"].split())
    env["CASTRO_POSTGRES_DSN"] = " ".join(f"{k}={v}" for k, v in (names | changes.get("dsn", {})).items())
    env["CASTRO_POSTGRES_CA_FILE"] = {"other": str(authorities.other_ca), "": ""}.get(changes.get("ca", "right"), str(authorities.ca))
    if password := changes.get("password"):
        env["CASTRO_POSTGRES_PASSWORD"] = password
    error = refused(env)
    assert problem in error.problem
    assert remedy in error.remedy


def test_status_says_it_too(env: dict[str, str]) -> None:
    status = Status(load_settings(environ=env | {"CASTRO_POSTGRES_PASSWORD": "wrong"}), list(all_streams().values()))
    ((_, part),) = status.stored()
    assert part["error"].startswith("PostgreSQL: connection to server")
    assert "what to do: check user in postgres.dsn" in part["error"]
    assert status.failed


def test_an_expired_certificate(env: dict[str, str], expired: None) -> None:
    error = refused(env)
    assert "certificate verify failed (certificate has expired)" in error.problem
    assert "renew its certificate" in error.remedy


def test_a_role_that_pg_hba_does_not_know(env: dict[str, str], postgres: SecuredPostgres) -> None:
    postgres.allow("hostssl all administrator 127.0.0.1/32 scram-sha-256\n")
    try:
        error = refused(env)
    finally:
        postgres.allow("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    assert "no pg_hba.conf entry" in error.problem
    assert "to pg_hba.conf (hostssl)" in error.remedy


def test_a_certificate_of_the_clients_own(env: dict[str, str], postgres: SecuredPostgres, authorities: Authorities) -> None:
    own = f"{env['CASTRO_POSTGRES_DSN']} sslcert={authorities.valid.certificate} sslkey={authorities.valid.key}"
    postgres.allow(
        f"hostssl inventory_ml {USER} 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"
        "hostssl all all 127.0.0.1/32 scram-sha-256\n"
    )
    try:
        error = refused(env)
        connect(load_settings(environ=env | {"CASTRO_POSTGRES_DSN": own}).postgres, "test").close()
    finally:
        postgres.allow("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    assert "requires a valid client certificate" in error.problem
    assert "check sslcert and sslkey in postgres.dsn" in error.remedy


def test_a_server_without_tls(env: dict[str, str], without_tls: Stack) -> None:
    env["CASTRO_POSTGRES_DSN"] = without_tls.env()["CASTRO_POSTGRES_DSN"].replace("127.0.0.1", "localhost")
    error = refused(env)
    assert "server does not support SSL" in error.problem
    assert "do not weaken sslmode" in error.remedy
