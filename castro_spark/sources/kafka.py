"""Kafka as a source: the topic's state, and its records, as a streaming DataFrame or a range of them.

One set of client options (settings.kafka) serves Spark's connector and the administration calls alike: both
run on the Kafka client in Spark's JVM, so whatever security the cluster asks for is configured once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from castro_spark.errors import KafkaRefused, KafkaUnavailable, SourceError, TopicMissing
from castro_spark.servers import KafkaSettings
from castro_spark.sources.kafka_options import admin_options, reader_options

_TIMEOUT_MS = "15000"
# How Spark's consumers fetch; settings.kafka.options wins. After each poll Spark asks for the partition's bounds, on
# the same connection, which the broker answers in order: so fewer and larger polls, and a short wait, since that
# question else waits for a fetch sent ahead to find records or time out (by default for half a second).
_FETCHES = {"fetch.max.wait.ms": "5", "max.partition.fetch.bytes": str(4 << 20)}
# What Kafka's client says where trying again does not help.
_LASTING = ("Authentication", "Authorization", "ConfigException", "KerberosException", "LoginException", "KeyStore")
_UNRESOLVED = "No resolvable bootstrap"  # a name server may be away as a broker may

# Kafka bounds a fetch by its bytes as they were compressed: what bounds the memory of a poll is the number of records.
_POLLS = (200, 64, 20)
_POLL_BYTES = 16 << 20  # of one poll, by what is known of its records
_POLLS_SHARE = 0.45  # of a heap, for all polls at once, should every record be as large as brokers let by default
_LARGE_BYTES = 1 << 20


@dataclass(frozen=True)
class TopicState:
    """A topic as the brokers tell it: its id, and each partition's first and next offset."""

    topic: str
    id: str
    beginnings: dict[int, int]
    ends: dict[int, int]


def read_stream(
    spark: SparkSession, settings: KafkaSettings, topic: str, start: Mapping[int, int], max_offsets: int
) -> DataFrame:
    """The topic's records from `start` on, as Spark's Kafka columns.

    `start` only counts for a new checkpoint. Committed transactions only; lost data is an error, not a
    warning; `max_offsets` bounds a batch.
    """
    fetches = _FETCHES | {"max.poll.records": str(poll_records(0, _room(spark, tasks_at_once(spark, len(start)))))}
    return (
        spark.readStream.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in (fetches | reader_options(spark, settings)).items()})
        .option("subscribe", topic)
        .option("startingOffsets", json.dumps({topic: {str(p): o for p, o in start.items()}}))
        .option("maxOffsetsPerTrigger", max_offsets)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )


def read_range(
    spark: SparkSession, settings: KafkaSettings, topic: str, starts: Mapping[int, int], ends: Mapping[int, int], *,
    reader: str, tasks: int, record_bytes: float | None = 0.0, rows_a_task: int | None = None,
) -> DataFrame:
    """The topic's records from `starts` up to `ends` (exclusive, of every partition named there), headers included.

    `reader` names whose reads these are: they share Spark's consumers. `tasks` of a JVM will read at once, and
    `record_bytes` is the size that is expected of a record. Committed transactions only; lost data is an error, not a
    warning.
    """  # fmt: skip
    poll = poll_records(record_bytes, _room(spark, tasks))
    fetches = _FETCHES | {
        "max.poll.records": str(poll),
        # Consumers belong to a group's name in Spark's pool. By default each read has a new one, and leaves behind
        # consumers with what they fetched ahead. They assign partitions themselves: no group coordinates anything.
        "group.id": f"{reader}-{poll}",
    }
    bounds = {} if rows_a_task is None else {"maxRecordsPerPartition": rows_a_task}
    return (
        spark.read.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in (fetches | reader_options(spark, settings)).items()})
        .option("assign", json.dumps({topic: sorted(ends)}))
        .option("startingOffsets", json.dumps({topic: {str(p): starts[p] for p in ends}}))
        .option("endingOffsets", json.dumps({topic: {str(p): o for p, o in ends.items()}}))
        .option("includeHeaders", "true")
        .options(**bounds)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )


def poll_records(record_bytes: float | None, room: float) -> int:
    """How many records a poll may hold where a record has so many bytes (None: nobody knows), and where there is `room`
    (bytes) for them if they should be large."""
    if record_bytes is None:
        return _POLLS[-1]
    fit = (n for n in _POLLS if n * record_bytes <= _POLL_BYTES and n * _LARGE_BYTES <= room)
    return next(fit, _POLLS[-1])


def tasks_at_once(spark: SparkSession, partitions: int) -> int:
    """How many of a task a partition one JVM runs at once."""
    cores = _executors(spark, "spark.executor.cores", "1")
    return max(1, min(partitions, int(cores) if cores else spark.sparkContext.defaultParallelism))


def _room(spark: SparkSession, tasks: int) -> float:
    """Bytes that a poll may hold, of `tasks` at once in a JVM."""
    jvm: Any = spark.sparkContext._jvm
    memory = _executors(spark, "spark.executor.memory", "1g")
    if memory:
        heap = jvm.org.apache.spark.network.util.JavaUtils.byteStringAsBytes(memory)
    else:
        heap = jvm.java.lang.Runtime.getRuntime().maxMemory()
    return float(heap * _POLLS_SHARE / tasks)


def _executors(spark: SparkSession, setting: str, default: str) -> str | None:
    """A setting of the executors; None where the driver's JVM is the only one."""
    context: Any = spark.sparkContext
    return None if context.master.startswith("local") else context.getConf().get(setting, default)


def topic_state(
    spark: SparkSession, settings: KafkaSettings, topic: str, *, committed: bool = False
) -> TopicState:
    """Asks the brokers; raises TopicMissing, KafkaUnavailable or KafkaRefused where they do not tell.

    `committed`: the ends are where a reader of committed transactions gets to now, before those still open.
    """
    with _Admin(spark, settings) as admin:
        return admin.state(topic, committed=committed)


class TopicIdentity:
    """Which topic a name stands for now, asked on a connection that stays open. Not for several threads at once."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings, topic: str) -> None:
        self._spark = spark
        self._settings = settings
        self._topic = topic
        self._admin: _Admin | None = None

    def now(self) -> str:
        """The topic's id; raises as topic_state does. What was read before belongs to this topic if it began so."""
        try:
            if self._admin is None:
                self._admin = _Admin(self._spark, self._settings)
            return self._admin.topic_id(self._topic)
        except SourceError:
            self.close()  # a new client finds brokers that moved meanwhile
            raise

    def close(self) -> None:
        """Closes the connection; the next question opens a new one."""
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(Py4JError):  # the JVM may be gone
                admin.__exit__()


def topic_states(
    spark: SparkSession, settings: KafkaSettings, topics: Sequence[str]
) -> dict[str, TopicState | SourceError]:
    """The state of each topic, or why there is none. All are asked at once: brokers that are away cost one time-out."""
    try:
        admin = _Admin(spark, settings)
    except SourceError as error:
        return dict.fromkeys(topics, error)
    with admin:
        return admin.states(topics)


def create_topics(
    spark: SparkSession, settings: KafkaSettings, partitions: Mapping[str, int]
) -> dict[str, str | SourceError]:
    """Creates those of the topics that do not exist, replicated as the brokers do by default.

    Out: of each topic `created`, `is there`, or why not: one topic's error does not keep the others from being created.
    """
    try:
        admin = _Admin(spark, settings)
    except SourceError as error:
        return dict.fromkeys(partitions, error)
    with admin:
        return {
            topic: admin.create(topic, partitions[topic]) if isinstance(state, TopicMissing)
            else state if isinstance(state, SourceError)
            else "is there"
            for topic, state in admin.states(list(partitions)).items()
        }  # fmt: skip


class _Admin:
    """Kafka's AdminClient in Spark's JVM, through py4j."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings) -> None:
        context: Any = spark.sparkContext
        self._jvm = context._jvm
        self._servers = settings.bootstrap_servers
        self._kafka: Any = self._jvm.org.apache.kafka
        properties = self._jvm.java.util.Properties()
        options = {"request.timeout.ms": _TIMEOUT_MS, "default.api.timeout.ms": _TIMEOUT_MS}
        for name, value in {**options, **admin_options(settings)}.items():
            properties.setProperty(name, value)
        try:
            self._client: Any = self._kafka.clients.admin.AdminClient.create(properties)
        except Py4JJavaError as error:
            raise _refused(error, f"Kafka at {self._servers}") from None

    def __enter__(self) -> _Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def states(self, topics: Sequence[str]) -> dict[str, TopicState | SourceError]:
        asked = {topic: self._describe(topic) for topic in topics}
        found: dict[str, TopicState | SourceError] = {}
        for topic, described in asked.items():
            try:
                found[topic] = self._state(topic, described, committed=False)
            except SourceError as error:
                found[topic] = error
        return found

    def state(self, topic: str, *, committed: bool = False) -> TopicState:
        return self._state(topic, self._describe(topic), committed=committed)

    def _describe(self, topic: str) -> Any:
        names = self._jvm.java.util.ArrayList()
        names.add(topic)
        return self._client.describeTopics(names).allTopicNames()

    def _state(self, topic: str, future: Any, *, committed: bool) -> TopicState:
        described = self._get(future, topic).get(topic)
        partitions = [info.partition() for info in described.partitions()]
        specs = self._kafka.clients.admin.OffsetSpec
        return TopicState(
            topic,
            described.topicId().toString(),
            self._offsets(topic, partitions, specs.earliest(), committed),
            self._offsets(topic, partitions, specs.latest(), committed),
        )

    def topic_id(self, topic: str) -> str:
        return str(self._get(self._describe(topic), topic).get(topic).topicId().toString())

    def create(self, topic: str, partitions: int) -> str | SourceError:
        optional = self._jvm.java.util.Optional
        new = self._jvm.java.util.ArrayList()
        new.add(self._kafka.clients.admin.NewTopic(topic, optional.of(partitions), optional.empty()))
        try:
            self._get(self._client.createTopics(new).all(), topic)
        except SourceError as error:
            return "is there" if "TopicExists" in error.problem else error  # another job was quicker
        return "created"

    def _offsets(self, topic: str, partitions: list[int], spec: Any, committed: bool) -> dict[int, int]:
        asked = self._jvm.java.util.HashMap()
        keys = {p: self._kafka.common.TopicPartition(topic, p) for p in partitions}
        for key in keys.values():
            asked.put(key, spec)
        levels = self._kafka.common.IsolationLevel
        level = levels.READ_COMMITTED if committed else levels.READ_UNCOMMITTED
        options = self._kafka.clients.admin.ListOffsetsOptions(level)
        found = self._get(self._client.listOffsets(asked, options).all(), topic)
        return {p: found.get(key).offset() for p, key in keys.items()}

    def _get(self, future: Any, topic: str) -> Any:
        try:
            return future.get()
        except Py4JJavaError as error:
            words = str(error.java_exception.getMessage())
            if "UnknownTopicOrPartition" in words:
                raise TopicMissing(
                    f"there is no topic {topic} at {self._servers}",
                    "create it: ./spark-submit.sh migrate (or ask who runs the brokers)",
                ) from None
            raise _refused(error, f"Kafka at {self._servers}, topic {topic}") from None


def _refused(error: Py4JJavaError, where: str) -> SourceError:
    """Whether the brokers do not answer, which may pass, or say no, which does not."""
    said, chain = error.java_exception, []
    while said is not None:
        chain.append(str(said.toString()))
        said = said.getCause()
    told = chain[-1].partition(": ")[2] or chain[-1]  # without the class's name
    lasting = any(name in words for words in chain for name in _LASTING) and _UNRESOLVED not in told
    kind = KafkaRefused if lasting else KafkaUnavailable
    return kind(f"{where}: {told}", "check kafka.bootstrap_servers, its security options, and that the brokers run")
