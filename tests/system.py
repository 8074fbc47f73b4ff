"""A clean castro_spark on the shared servers: a database, topics and a Redis db of its own, and its jobs.

`job`, `drain` and `stream` run in this process, on the one Spark that it has (engine.py). `submit` and `start` run a
process by ./spark-submit.sh: for what is killed or stopped, and to test the command line itself.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import redis
import yaml
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec
from psycopg2.sql import SQL, Composable, Literal

from castro_spark.local import Stack
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from castro_spark.streams import stream as stream_named
from tests import engine, jvm
from tests.running import RunningStreams
from tests.statements import composed

_SCOPED = ("migrate", "stream", "status", "validate")  # jobs that else do what they do for every stream
ROOT = Path(__file__).resolve().parent.parent
PARTITIONS = 3
_numbers = itertools.count(1)
_REDIS_DATABASES = 15
_SESSIONS = SQL("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = {}")


class System:
    """`streams` are those that the jobs are run for, each with a topic of its own.

    `root` is the program's folder: where it is another than ours, every job is a process. `like`: begin with a copy of
    that system's database, to which nobody may be connected.
    """

    def __init__(
        self, stack: Stack, folder: Path, streams: Sequence[str] = ("inventory",), root: Path = ROOT,
        like: System | None = None,
    ) -> None:  # fmt: skip
        self._began = time.monotonic()
        number = next(_numbers)
        self.stack = stack
        self.folder = folder
        self.root = root
        self.topics = {name: f"{name}.test.{number}" for name in streams}
        self.topic = self.topics[streams[0]]
        self.database = f"test_{number}"
        env = stack.env()
        self._password = Path(env["CASTRO_POSTGRES_PASSWORD_FILE"]).read_text().strip()
        self._dsn = env["CASTRO_POSTGRES_DSN"]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._running: list[RunningStreams] = []
        base, _, _ = env["CASTRO_REDIS_URL"].rpartition("/")
        redis_url = f"{base}/{1 + number % _REDIS_DATABASES}"
        connection = self._connect("inventory_ml")
        connection.autocommit = True
        create = "CREATE DATABASE {database} TEMPLATE {template}"
        connection.cursor().execute(composed(create, database=self.database, template=like.database if like else "template1"))
        connection.close()
        self.env = {
            **os.environ,
            **env,
            **jvm.short_lived(),
            "CASTRO_DEV": "1",
            "CASTRO_MASTER": "local[4]",  # each task's Python costs its imports: more of them than cores only wait
            "CASTRO_POSTGRES_DSN": self._dsn.replace("inventory_ml", self.database),
            "CASTRO_REDIS_URL": redis_url,
            "CASTRO_CHECKPOINT_DIR": str(folder / "checkpoints"),
        }
        del self.env["CASTRO_ARCHIVE_DIR"]  # no archive but where a test wants one
        self.redis = self._redis(redis_url)
        self.redis.flushdb()
        self.conf = folder / "test.yaml"
        self.configure({})
        self._brokers = {"bootstrap.servers": env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]}
        # Idempotent, so that a batch that is sent again does not arrive behind a later one.
        self.producer = Producer(
            {**self._brokers, "enable.idempotence": True, "linger.ms": 5, "message.max.bytes": 4 << 20, "log_level": 0}
        )

    def _redis(self, url: str) -> redis.Redis:
        password = Path(self.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
        return redis.Redis.from_url(url, password=password, decode_responses=True)

    def age(self) -> float:
        """Seconds since it was made: nothing of it is older."""
        return time.monotonic() - self._began

    def configure(self, settings: Mapping[str, Any]) -> None:
        streams = {name: {"topic": topic, "partitions": PARTITIONS} for name, topic in self.topics.items()}
        self.conf.write_text(yaml.safe_dump({**settings, "streams": streams}))

    def _connect(self, database: str) -> Any:
        dsn = self._dsn.replace("inventory_ml", database)
        # A lock that a failed test left behind fails the next one, instead of blocking it for ever.
        return psycopg2.connect(dsn, password=self._password, options="-c timezone=UTC -c lock_timeout=60s")

    def query(self, statement: str | Composable, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        connection = self._connect(self.database)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                rows = cursor.fetchall() if cursor.description else []
                # bytea comes as memoryviews, of which no two look alike
                return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]
        finally:
            connection.close()

    def produce(
        self, values: Iterable[bytes | None], partition: int | None = None, stream: str = "inventory"
    ) -> list[tuple[int, int]]:
        """Sends values; returns each one's (partition, offset)."""
        positions: dict[int, tuple[int, int | None]] = {}

        def delivered(number: int) -> Callable[[Any, Any], None]:
            def note(error: Any, message: Any) -> None:
                assert error is None, error
                positions[number] = (message.partition(), message.offset())

            return note

        count = 0
        for value in values:
            chosen = {} if partition is None else {"partition": partition}
            while True:
                try:
                    self.producer.produce(self.topics[stream], value, on_delivery=delivered(count), **chosen)
                    break
                except BufferError:
                    self.producer.poll(0.1)
            count += 1
        self.producer.flush(60)
        return self._complete(self.topics[stream], [positions[i] for i in range(count)])

    def _complete(self, topic: str, positions: Sequence[tuple[int, int | None]]) -> list[tuple[int, int]]:
        """With the offsets that the broker did not tell, because its first answer was late and the batch was sent again:
        what is sent to a partition follows on one another."""
        unknown = {partition for partition, offset in positions if offset is None}
        asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in unknown}
        admin = AdminClient(self._brokers)  # it must outlive its answers
        answers = admin.list_offsets(asked) if asked else {}
        after = {at.partition: future.result(30).offset for at, future in answers.items()}
        told: list[tuple[int, int]] = []
        for partition, offset in reversed(positions):
            after[partition] = after[partition] - 1 if offset is None else offset
            told.append((partition, after[partition]))
        return told[::-1]

    def migrate(self, *, topics: bool = True) -> None:
        """What the job `migrate` does, without a JVM."""
        if self.root != ROOT:
            self.submit("migrate")
            return
        settings = load_settings(conf_file=self.conf, environ=self.env)
        connection = connect(settings.postgres, "test")
        migrate(connection, [stream_named(name) for name in self.topics])
        migrate_warehouse(connection, settings.warehouse.mapped)
        connection.close()
        if topics:
            self.create_topics()

    def create_topics(self) -> None:
        admin = AdminClient(self._brokers)
        for future in admin.create_topics([NewTopic(t, PARTITIONS) for t in self.topics.values()]).values():
            future.result(30)

    def add_partition(self) -> int:
        """Adds one to the topic, and lets the producer know; returns its number."""
        added = len(self.producer.list_topics(self.topic, timeout=30).topics[self.topic].partitions)
        admin = AdminClient(self._brokers)
        admin.create_partitions([NewPartitions(self.topic, added + 1)])[self.topic].result(30)
        self.producer.list_topics(self.topic, timeout=30)
        return added

    def job(self, name: str, *arguments: str, status: int = 0) -> str:
        """Runs a job to its end in this process and checks its exit status; returns all it printed and logged."""
        if self.root != ROOT:
            return self.submit(name, *arguments, status=status)
        left, output = engine.run_job(name, [*arguments, *self._options(name)], self.env)
        assert left == status, f"{name}: status {left}\n{output}"
        return output

    def submit(self, name: str, *arguments: str, status: int = 0) -> str:
        """As `job`, but by ./spark-submit.sh."""
        done = subprocess.run(
            self._command(name, arguments), check=False, env=self.env, cwd=self.root, capture_output=True, text=True, timeout=900
        )
        output = done.stdout + done.stderr
        assert done.returncode == status, f"{name}: status {done.returncode}\n{output}"
        return output

    def stream(self) -> RunningStreams:
        """Starts the streams in this process; they are stopped with the system."""
        running = RunningStreams(self.conf, self.env, list(self.topics))
        self._running.append(running)
        return running

    def start(self, name: str, *arguments: str, capture: bool = False) -> subprocess.Popen[bytes]:
        """Starts a job's process, killed with the system; its output goes to a log, or with `capture` to a pipe."""
        log = (self.folder / f"{name}-{len(self._processes)}.log").open("wb")
        process = subprocess.Popen(
            self._command(name, arguments), env=self.env, cwd=self.root, stdout=subprocess.PIPE if capture else log, stderr=log
        )
        self._processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ends a job as an operator would: SIGTERM, and it must end well."""
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, self.log(process)

    def connect(self, database: str | None = None) -> Any:
        """A connection to this system's database, or to another one beside it; the caller's transaction."""
        return self._connect(database or self.database)

    def log(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"stream-{self._processes.index(process)}.log").read_text()

    def drain(self) -> str:
        return self.job("stream", "--available-now")

    def wait_for(self, statement: str | Composable, expected: object, seconds: float = 90) -> None:
        """Waits until a query's single value is as expected."""
        deadline = time.monotonic() + seconds
        seen: object = None
        while time.monotonic() < deadline:
            try:
                seen = self.query(statement)[0][0]
            except psycopg2.OperationalError as error:
                seen = error
            if seen == expected:
                return
            time.sleep(0.2)
        raise AssertionError(f"{statement}: {seen!r}, not {expected!r}, after {seconds} s")

    def wait_for_sessions(self, application: str, number: int) -> None:
        """Waits until so many sessions have this name: one ends, and with it its lock, a little after it was closed."""
        self.wait_for(_SESSIONS.format(Literal(application)), number)

    def end(self) -> None:
        for running in self._running:
            running.abandon()
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)
        self.redis.close()

    def _options(self, name: str) -> list[str]:
        scope = [word for stream in self.topics for word in ("--stream", stream)] if name in _SCOPED else []
        return [*scope, "--conf-file", str(self.conf)]

    def _command(self, name: str, arguments: Iterable[str]) -> list[str]:
        return [str(self.root / "spark-submit.sh"), name, *arguments, *self._options(name)]


@contextmanager
def migrated_system(stack: Stack, folder: Path, streams: Sequence[str] = ("inventory",)) -> Iterator[System]:
    """A system with tables but no topics, for tests that need neither Kafka nor Spark."""
    system = System(stack, folder, streams)
    system.migrate(topics=False)
    yield system
    system.end()
