"""The embedded servers are real ones: they serve, keep their data, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis as redis_client
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from redis.backoff import NoBackoff
from redis.retry import Retry

from castro_spark.local import LocalServiceError, Stack
from castro_spark.local.process import start_mark
from castro_spark.local.redis import Redis

KAFKA = "CASTRO_KAFKA_BOOTSTRAP_SERVERS"
# For tests that are about the stack and not about Kafka, whose JVM takes five seconds to come up.
NO_KAFKA = {KAFKA: "elsewhere:9092"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), die_with_parent=True) as running:
        yield running


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("light"), die_with_parent=True, external=NO_KAFKA) as running:
        yield running


def sql(stack: Stack, *statements: str) -> list[tuple[object, ...]]:
    """Runs statements as a job would connect: by the stack's settings alone. Returns the last one's rows."""
    env = stack.env()
    password = Path(env["CASTRO_POSTGRES_PASSWORD_FILE"]).read_text()
    connection = psycopg2.connect(env["CASTRO_POSTGRES_DSN"], password=password)
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def redis_of(stack: Stack) -> redis_client.Redis:
    env = stack.env()
    password = Path(env["CASTRO_REDIS_PASSWORD_FILE"]).read_text()
    return redis_client.Redis.from_url(env["CASTRO_REDIS_URL"], password=password, decode_responses=True)


def produce(stack: Stack, topic: str, *values: str) -> None:
    producer = Producer({"bootstrap.servers": stack.env()[KAFKA], "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(10) == 0


def consume(stack: Stack, topic: str, count: int) -> list[str]:
    group = os.urandom(4).hex()
    consumer = Consumer(
        {"bootstrap.servers": stack.env()[KAFKA], "group.id": group, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    messages = consumer.consume(count, timeout=15)
    consumer.close()
    return sorted((message.value() or b"").decode() for message in messages)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process, children included, that names this folder or works in it."""

    def belongs(process: psutil.Process) -> bool:
        try:
            return str(folder) in " ".join(process.cmdline()) or process.cwd().startswith(str(folder))
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


def test_kafka_keeps_what_was_produced_over_a_stop_and_a_start(stack: Stack) -> None:
    admin = AdminClient({"bootstrap.servers": stack.env()[KAFKA]})
    admin.create_topics([NewTopic("orders", 2, 1)])["orders"].result(10)
    produce(stack, "orders", "a", "b")
    assert consume(stack, "orders", 2) == ["a", "b"]

    stack.kafka.stop(kill=True)
    assert not stack.kafka.running()
    stack.kafka.start()

    produce(stack, "orders", "c")
    assert consume(stack, "orders", 3) == ["a", "b", "c"]
    assert "no_such_topic" not in admin.list_topics(timeout=10).topics


def test_up_again_changes_nothing(stack: Stack) -> None:
    before = {service.name: (service.pid, service.port) for service in stack.status()}
    reported: dict[str, float] = {}

    stack.up(reported.__setitem__)
    Stack(stack.folder).up()  # as another program would

    assert {service.name: (service.pid, service.port) for service in stack.status()} == before
    assert reported == {"kafka": 0, "postgres": 0, "redis": 0}
    assert [service.state for service in stack.status()] == ["up", "up", "up"]


def test_postgres_is_durable_and_knows_its_text(light: Stack) -> None:
    names = ("fsync", "wal_level", "synchronous_commit", "track_commit_timestamp", "timezone")
    shown = [sql(light, f"SHOW {name}")[0][0] for name in names]
    assert shown == ["on", "logical", "on", "on", "UTC"]
    assert sql(light, "SELECT current_database(), current_user") == [("inventory_ml", "castro")]
    assert sql(light, "SELECT upper('azúcar ñandú')") == [("AZÚCAR ÑANDÚ",)]


@pytest.mark.parametrize("kill", [False, True])
def test_postgres_keeps_its_rows_and_its_port(light: Stack, kill: bool) -> None:
    port = light.postgres.port
    sql(light, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")

    light.postgres.stop(kill=kill)
    with pytest.raises(psycopg2.OperationalError):
        sql(light, "SELECT 1")
    light.postgres.start()

    assert sql(light, "SELECT n FROM kept") == [(42,)]
    assert light.postgres.port == port


def test_redis_keeps_its_keys_over_a_stop_and_loses_them_in_a_crash(light: Stack) -> None:
    with redis_of(light) as client:
        assert client.ping()
        client.set("product:1", "7")
        light.redis.stop()
        light.redis.start()
        assert client.get("product:1") == "7"
        light.redis.stop(kill=True)
        light.redis.start()
        assert client.get("product:1") is None  # and not what an older snapshot held


def test_nobody_enters_without_the_password(light: Stack) -> None:
    with (
        redis_client.Redis("127.0.0.1", light.redis.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis_client.AuthenticationError),
    ):
        stranger.ping()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(light.env()["CASTRO_POSTGRES_DSN"], password="guess")


def test_secrets_are_for_the_owner_only(light: Stack) -> None:
    for server in (light.postgres, light.redis):
        assert server.password_file.stat().st_mode & 0o777 == 0o600
        secret = server.password_file.read_text()
        assert not [p for p in processes_of(light.folder) if secret in " ".join(p.cmdline())]
    assert (light.folder / "stack.json").stat().st_mode & 0o777 == 0o600


def test_a_server_started_by_a_thread_outlives_the_thread(light: Stack) -> None:
    light.redis.stop()
    thread = threading.Thread(target=light.redis.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert light.redis.ready()


def test_a_server_from_outside_is_passed_through_and_left_alone(light: Stack) -> None:
    assert light.env()[KAFKA] == "elsewhere:9092"
    assert light.status()[0].state == "external"
    with pytest.raises(LocalServiceError, match="not embedded here"):
        _ = light.kafka


def test_down_leaves_no_process_and_up_finds_the_data(tmp_path: Path) -> None:
    stack = Stack(tmp_path, die_with_parent=True, external=NO_KAFKA)
    stack.up()
    sql(stack, "CREATE TABLE kept AS SELECT 1 AS n")
    env = stack.env()

    stack.down()
    assert processes_of(tmp_path) == []
    stack.down()  # nothing to do is not an error

    again = Stack(tmp_path, die_with_parent=True, external=NO_KAFKA)
    with again:
        assert again.env() == env
        assert sql(again, "SELECT n FROM kept") == [(1,)]
    assert processes_of(tmp_path) == []


def test_a_port_in_use_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    stack = Stack(tmp_path, die_with_parent=True, external=NO_KAFKA)
    with stack:
        port = stack.redis.port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(LocalServiceError, match=rf"redis: port {port} .* in use by another program"):
            stack.up()
    assert processes_of(tmp_path) == []


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redis, "command", lambda self: ["sh", "-c", "echo no luck today; exit 3"])
    with pytest.raises(LocalServiceError, match=r"redis ended while it was starting(?s:.)*no luck today"):
        Stack(tmp_path, die_with_parent=True, external=NO_KAFKA).up()
    assert processes_of(tmp_path) == []


def test_a_pid_that_now_belongs_to_another_program_is_left_alone(tmp_path: Path) -> None:
    server = Redis(tmp_path, 20_001)
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        server.process.pid_file.write_text(f'{{"pid": {bystander.pid}, "start_mark": "an earlier process"}}')
        assert not server.running()
        server.stop()
        server.process.pid_file.write_text(f'{{"pid": {bystander.pid}, "start_mark": "an earlier process"}}')
        server.stop(kill=True)
        assert bystander.poll() is None
        assert start_mark(bystander.pid) is not None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_servers_end_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from castro_spark.local import Stack\n"
        f"Stack({str(tmp_path)!r}, die_with_parent=True, external={NO_KAFKA!r}).up()\n"
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        assert processes_of(tmp_path)
        owner.send_signal(signal.SIGKILL)
    assert_all_end(tmp_path)


def test_a_failed_second_up_does_not_unguard_what_runs(tmp_path: Path) -> None:
    program = (
        "import socket, time; from castro_spark.local import LocalServiceError, Stack\n"
        f"stack = Stack({str(tmp_path)!r}, die_with_parent=True, external={NO_KAFKA!r}); stack.up()\n"
        "stack.redis.stop(kill=True); other = socket.socket()\n"
        "other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "other.bind(('127.0.0.1', stack.redis.port)); other.listen()\n"
        "try: stack.up()\n"
        "except LocalServiceError: print('failed', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"failed\n"
        assert processes_of(tmp_path)  # PostgreSQL
        owner.send_signal(signal.SIGKILL)
    assert_all_end(tmp_path)


def assert_all_end(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(folder) == []


def test_its_clients_look_into_the_servers(light: Stack) -> None:
    def local(*arguments: str, status: int = 0) -> str:
        command = [sys.executable, "jobs/local.py", arguments[0], "--dir", str(light.folder), *arguments[1:]]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        return done.stdout

    assert local("psql", "-Atc", "SELECT current_database(), 6 * 7").strip() == "inventory_ml|42"
    local("redis-cli", "HSET", "h", "a", "1")
    assert redis_of(light).hgetall("h") == {"a": "1"}
    assert local("psql", "-c", "no sql", status=1) == ""
