"""A topic's state as the brokers report it, and the creation of topics: by Kafka's AdminClient in Spark's JVM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

from castro_spark.errors import KafkaRefused, KafkaUnavailable, SourceError, TopicMissing
from castro_spark.errors.kerberos import kerberos_trouble
from castro_spark.jvm.java import java_class
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.options import admin_options
from castro_spark.sources.kafka.refusals import Protocol, explained

Answer = TypeVar("Answer")
_TIMEOUT_MS = "15000"


@dataclass(frozen=True)
class TopicState:
    """A topic as the brokers report it: its id, and each partition's first and next offset."""

    topic: str
    id: str
    beginnings: dict[int, int]
    ends: dict[int, int]


def topic_state(
    spark: SparkSession, settings: KafkaSettings, topic: str, *, committed: bool = False
) -> TopicState:
    """Queries the brokers. Raises TopicMissing, KafkaUnavailable or KafkaRefused.

    `committed`: the ends are the last stable offsets, before any open transaction.
    """
    with Admin(spark, settings) as admin:
        return admin.state(topic, committed=committed)


class TopicClient:
    """Queries a named topic, on a connection that stays open. Not thread-safe."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings, topic: str) -> None:
        self._spark = spark
        self._settings = settings
        self._topic = topic
        self._admin: Admin | None = None

    def now(self) -> str:
        """The topic's current id; raises as topic_state does.

        If it equals the id before a read, the records read are of this topic: an id is never reused."""
        return self._ask(lambda admin: admin.topic_id(self._topic))

    def ends(self) -> tuple[str, dict[int, int]]:
        """The topic's current id, and each partition's next offset; raises as topic_state does."""
        return self._ask(lambda admin: admin.ends(self._topic))

    def _ask(self, question: Callable[[Admin], Answer]) -> Answer:
        try:
            if self._admin is None:
                self._admin = Admin(self._spark, self._settings)
            return question(self._admin)
        except SourceError:
            self.close()  # a new client resolves brokers that have moved
            raise

    def close(self) -> None:
        """Closes the connection; the next query opens a new one."""
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(Py4JError):  # the JVM may be gone
                admin.__exit__()


class GroupClient:
    """Commits offsets for a consumer group without members, on a connection that stays open. Not thread-safe."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings, group: str) -> None:
        self._spark = spark
        self._settings = settings
        self._group = group
        self._admin: Admin | None = None

    def commit(self, topic: str, positions: Mapping[int, int]) -> None:
        """Sets the group's next offsets, by partition. Raises KafkaUnavailable or KafkaRefused."""
        if self._admin is None:
            self._admin = Admin(self._spark, self._settings)
        self._admin.commit(self._group, topic, positions)

    def close(self) -> None:
        """Closes the connection; the next commit opens a new one."""
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(Py4JError):  # the JVM may be gone
                admin.__exit__()


def topic_states(
    spark: SparkSession, settings: KafkaSettings, topics: Sequence[str]
) -> dict[str, TopicState | SourceError]:
    """Each topic's state, or the error. All are queried concurrently: unavailable brokers cost one timeout in total."""
    try:
        admin = Admin(spark, settings)
    except SourceError as error:
        return dict.fromkeys(topics, error)
    with admin:
        return admin.states(topics)


def create_topics(
    spark: SparkSession, settings: KafkaSettings, partitions: Mapping[str, int]
) -> dict[str, str | SourceError]:
    """Creates the missing topics, with the brokers' default replication.

    Returns for each topic `created`, `is there`, or the error. One topic's error does not affect the others.
    """
    try:
        admin = Admin(spark, settings)
    except SourceError as error:
        return dict.fromkeys(partitions, error)
    with admin:
        return {
            topic: admin.create(topic, partitions[topic]) if isinstance(state, TopicMissing)
            else state if isinstance(state, SourceError)
            else "is there"
            for topic, state in admin.states(list(partitions)).items()
        }  # fmt: skip


class Admin:
    """Kafka's AdminClient in Spark's JVM, through py4j."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings) -> None:
        context: Any = spark.sparkContext
        self._jvm = context._jvm
        self._protocol = Protocol(settings)
        self._servers = settings.bootstrap_servers
        self._lists: dict[str, Any] = {}  # Java's list of a topic's name alone
        properties = self._java("util.Properties")()
        options = {"request.timeout.ms": _TIMEOUT_MS, "default.api.timeout.ms": _TIMEOUT_MS}
        for name, value in {**options, **admin_options(settings)}.items():
            properties.setProperty(name, value)
        try:
            self._client: Any = self._kafka("clients.admin.AdminClient").create(properties)
        except Py4JJavaError as error:
            raise refused(error, self._protocol, f"Kafka at {self._servers}") from None

    def _java(self, name: str) -> Any:
        return java_class(self._jvm, f"java.{name}")

    def _kafka(self, name: str) -> Any:
        return java_class(self._jvm, f"org.apache.kafka.{name}")

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def states(self, topics: Sequence[str]) -> dict[str, TopicState | SourceError]:
        futures = {topic: self._describe(topic) for topic in topics}
        states: dict[str, TopicState | SourceError] = {}
        for topic, future in futures.items():
            try:
                states[topic] = self._state(topic, future, committed=False)
            except SourceError as error:
                states[topic] = error
        return states

    def state(self, topic: str, *, committed: bool = False) -> TopicState:
        return self._state(topic, self._describe(topic), committed=committed)

    def _describe(self, topic: str) -> Any:
        if topic not in self._lists:  # each commit asks, and each call of the JVM is a round trip
            self._lists[topic] = self._java("util.ArrayList")()
            self._lists[topic].add(topic)
        return self._client.describeTopics(self._lists[topic]).allTopicNames()

    def _state(self, topic: str, future: Any, *, committed: bool) -> TopicState:
        described = self._get(future, topic).get(topic)
        partitions = _partitions(described)
        specs = self._kafka("clients.admin.OffsetSpec")
        return TopicState(
            topic,
            described.topicId().toString(),
            self._offsets(topic, partitions, specs.earliest(), committed=committed),
            self._offsets(topic, partitions, specs.latest(), committed=committed),
        )

    def ends(self, topic: str) -> tuple[str, dict[int, int]]:
        described = self._get(self._describe(topic), topic).get(topic)
        partitions = _partitions(described)
        latest = self._kafka("clients.admin.OffsetSpec").latest()
        return described.topicId().toString(), self._offsets(topic, partitions, latest, committed=False)

    def topic_id(self, topic: str) -> str:
        return str(self._get(self._describe(topic), topic).get(topic).topicId().toString())

    def create(self, topic: str, partitions: int) -> str | SourceError:
        optional = self._java("util.Optional")
        new = self._java("util.ArrayList")()
        new.add(self._kafka("clients.admin.NewTopic")(topic, optional.of(partitions), optional.empty()))
        try:
            self._get(self._client.createTopics(new).all(), topic)
        except SourceError as error:
            return "is there" if "TopicExists" in error.problem else error  # another job created it meanwhile
        return "created"

    def commit(self, group: str, topic: str, positions: Mapping[int, int]) -> None:
        offsets = self._java("util.HashMap")()
        for partition, offset in positions.items():
            key = self._kafka("common.TopicPartition")(topic, partition)
            offsets.put(key, self._kafka("clients.consumer.OffsetAndMetadata")(offset))
        self._get(self._client.alterConsumerGroupOffsets(group, offsets).all(), topic)

    def listed(self, topic: str, partitions: list[int], spec: Any, *, committed: bool = False) -> dict[int, Any]:
        """Kafka's ListOffsetsResultInfo of each partition, for an OffsetSpec."""
        specs = self._java("util.HashMap")()
        keys = {p: self._kafka("common.TopicPartition")(topic, p) for p in partitions}
        for key in keys.values():
            specs.put(key, spec)
        levels = self._kafka("common.IsolationLevel")
        level = levels.READ_COMMITTED if committed else levels.READ_UNCOMMITTED
        options = self._kafka("clients.admin.ListOffsetsOptions")(level)
        infos = self._get(self._client.listOffsets(specs, options).all(), topic)
        return {p: infos.get(key) for p, key in keys.items()}

    def _offsets(self, topic: str, partitions: list[int], spec: Any, *, committed: bool) -> dict[int, int]:
        infos = self.listed(topic, partitions, spec, committed=committed)
        return {p: info.offset() for p, info in infos.items()}

    def _get(self, future: Any, topic: str) -> Any:
        try:
            return future.get()
        except Py4JJavaError as error:
            if "UnknownTopicOrPartition" in str(error.java_exception.getMessage()):
                raise TopicMissing(
                    f"there is no topic {topic} at {self._servers}",
                    "create it: ./spark-submit.sh migrate (or ask who runs the brokers)",
                ) from None
            raise refused(error, self._protocol, f"Kafka at {self._servers}, topic {topic}") from None


def _partitions(described: Any) -> list[int]:
    """The numbers of a topic's partitions, from 0 on without gaps. Java's list is not iterated: each step is a round
    trip, and its end an exception that py4j examines by a dozen more."""
    return list(range(described.partitions().size()))


def refused(error: Py4JJavaError, protocol: Protocol, where: str) -> SourceError:
    """An error of the client: KafkaRefused if it is permanent (security, configuration); else KafkaUnavailable."""
    cause, chain = error.java_exception, []
    while cause is not None:
        chain.append(str(cause.toString()))
        cause = cause.getCause()
    if trouble := kerberos_trouble(" ".join(chain)):
        told = KafkaUnavailable if trouble.passes else KafkaRefused
        return told(f"{where}: {trouble.problem} ({chain[-1]})", trouble.remedy)
    return explained(chain, protocol, where)
