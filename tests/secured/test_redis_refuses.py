"""Redis with TLS and ACL users: what it does not let in, and what castro_spark says about it. No JVM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from castro_spark.errors import SinkError
from castro_spark.local import Stack
from castro_spark.sections.servers import RedisSettings
from castro_spark.settings import load_settings
from castro_spark.sinks.redis.hashes import ALL, WHATEVER_THE_MARKER, Superseded, VersionedHashes
from castro_spark.sinks.redis.trouble import check_usable, in_words
from tests.secured.authority import Authorities
from tests.secured.rights import PASSWORD, USER
from tests.secured.servers import SecuredRedis

pytestmark = pytest.mark.cluster


@pytest.fixture
def env(redis_server: SecuredRedis, authorities: Authorities, password_file: Path) -> dict[str, str]:
    return {
        "CASTRO_REDIS_URL": f"rediss://localhost:{redis_server.port}/1", "CASTRO_REDIS_USERNAME": USER,
        "CASTRO_REDIS_PASSWORD_FILE": str(password_file), "CASTRO_REDIS_CA_FILE": str(authorities.ca),
    }  # fmt: skip


@pytest.fixture
def expired(redis_server: SecuredRedis, authorities: Authorities) -> Iterator[None]:
    with closing(redis_server.client()) as before:
        before.ping()
        redis_server.use(authorities.expired, by=before)
        yield
        redis_server.use(authorities.valid, by=before)


def settings(env: dict[str, str]) -> RedisSettings:
    return load_settings(environ=env).redis


def refused(env: dict[str, str]) -> str:
    with pytest.raises(SinkError) as raised:
        check_usable(settings(env))
    assert PASSWORD not in str(raised.value)
    return raised.value.problem


def test_lets_in_over_tls(env: dict[str, str]) -> None:
    check_usable(settings(env))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CASTRO_REDIS_CA_FILE": "other"}, "let redis.ca_file name the certificate of the one that signed it"),
        ({"CASTRO_REDIS_CA_FILE": ""}, "let redis.ca_file name"),
        ({"CASTRO_REDIS_URL": ("localhost", "127.0.0.1")}, "its certificate was not issued for this name: let redis.url"),
        ({"CASTRO_REDIS_URL": ("rediss", "redis"), "CASTRO_REDIS_CA_FILE": ""}, "it takes TLS only: redis.url must begin with rediss://"),
        ({"CASTRO_REDIS_PASSWORD": "wrong"}, "the user or the password is refused: redis.username"),
        ({"CASTRO_REDIS_USERNAME": "nobody"}, "the user or the password is refused: redis.username"),
        ({"CASTRO_REDIS_USERNAME": ""}, "the user or the password is refused: redis.username"),
    ],
)
def test_says_why_and_what_to_do(env: dict[str, str], authorities: Authorities, changes: dict[str, Any], words: str) -> None:
    for name, change in changes.items():
        new = env.get(name, "").replace(*change) if isinstance(change, tuple) else change
        env[name] = str(authorities.other_ca) if new == "other" else new
    assert words in refused(env)


def test_an_expired_certificate(env: dict[str, str], expired: None) -> None:
    assert "its certificate has expired: let its administrator renew it" in refused(env)


def test_a_certificate_of_the_clients_own(env: dict[str, str], redis_server: SecuredRedis, authorities: Authorities) -> None:
    own = f"{env['CASTRO_REDIS_URL']}?ssl_certfile={authorities.valid.certificate}&ssl_keyfile={authorities.valid.key}"
    with closing(redis_server.client()) as before:
        before.config_set("tls-auth-clients", "yes")
        try:
            words = refused(env)
            check_usable(settings(env | {"CASTRO_REDIS_URL": own}))
        finally:
            before.config_set("tls-auth-clients", "no")
    assert "want a certificate of its clients: redis.url?ssl_certfile=" in words.replace("wants", "want")


def test_a_server_without_tls(env: dict[str, str], without_tls: Stack) -> None:
    env["CASTRO_REDIS_URL"] = without_tls.env()["CASTRO_REDIS_URL"].replace("redis://127.0.0.1", "rediss://localhost")
    assert "it does not speak TLS at this port" in refused(env)


LACKING = {
    "no evalsha": ["-evalsha"],
    "no hget, within the script": ["-hget"],
    "no get, within the script": ["-get"],
    "no hset, within the script": ["-hset"],
    "no mget": ["-mget"],
    "no such keys": ["resetkeys", "~castro:*", "~agg:*"],
    "no keys of ours": ["resetkeys", "~castro:*"],
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_right_that_lacks_is_told_and_nothing_is_overwritten(env: dict[str, str], redis_server: SecuredRedis, lacking: str) -> None:
    """A version that may not be read might be newer: without the right to read it nothing is written."""
    key, marker = "inventory:realtime:P1", "castro:published:test"
    with closing(redis_server.client()) as admin, closing(VersionedHashes(settings(env), "test", ["inventory:realtime:*"])) as mine:
        admin.flushdb()
        mine.write([(key, 4102444800, {"newest": "yes"})], 1, 9, ALL)
        mine.mark(1, 9)
        held = next(rule for rule in admin.acl_list() if rule.split()[1] == USER).split()[2:]
        told: list[str] = []
        try:
            admin.execute_command("ACL", "SETUSER", USER, *LACKING[lacking])
            for step in (
                lambda: mine.write([(key, 4102444800, {"newest": "no"})], 1, 8),
                lambda: mine.write([(key, 4102444800, {"newest": "no"})], 1, 8, WHATEVER_THE_MARKER),
                lambda: mine.write([("inventory:realtime:P2", 4102444800, {"newest": "no"})], 1, 9),
                lambda: mine.mark(1, 8),
                mine.published,
            ):
                try:
                    step()
                except Superseded:
                    continue
                except redis.RedisError as error:
                    told.append(in_words(error))
        finally:
            admin.execute_command("ACL", "SETUSER", USER, "reset", *held)
        assert told
        for words in told:
            assert "its ACL denies this user a command or a key that a projection needs: docs/security.md" in words
        assert admin.hget(key, "newest") == "yes"
        assert str(admin.get(marker)).endswith("9")
