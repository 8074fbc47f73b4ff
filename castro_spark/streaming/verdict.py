"""Classifies a stream's errors: restart, or stop until someone intervenes. Pure: an error in, a verdict out.

Most of Spark's own errors lead to a restart. The restart compares ledger and topic first, which identifies what a
restart cannot fix (records aged out, a topic created again).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
from py4j.protocol import Py4JNetworkError
from pyspark.errors import PySparkException

from castro_spark.errors import (
    CheckpointLost,
    ExecutorRefused,
    Fenced,
    IdentitiesDiffer,
    JvmEnded,
    KafkaRefused,
    KafkaUnavailable,
    KerberosRefused,
    KerberosUnavailable,
    LedgerMoved,
    NotMigrated,
    OffsetsAgedOut,
    OffsetsBeyondEnd,
    RulesChanged,
    SessionRefused,
    SparkStopped,
    StagingLost,
    TopicMissing,
    TopicRecreated,
    TypeChanged,
    UsageError,
    first_line,
)
from castro_spark.errors.kerberos import kerberos_trouble
from castro_spark.sinks.postgres.session.passing import may_pass


@dataclass(frozen=True)
class Verdict:
    """An error's reason code, whether a restart may help, and whether only a limited number of restarts is made."""

    reason: str
    restart: bool
    a_few_times: bool = False


_BY_CLASS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (TopicRecreated, Verdict("topic_recreated", restart=False)),
    (OffsetsAgedOut, Verdict("offsets_aged_out", restart=False)),
    (OffsetsBeyondEnd, Verdict("offsets_beyond_end", restart=False)),
    (Fenced, Verdict("fenced", restart=False)),
    (NotMigrated, Verdict("not_migrated", restart=False)),
    (TypeChanged, Verdict("type_changed", restart=False)),
    (KafkaRefused, Verdict("kafka_refused", restart=False)),
    (UsageError, Verdict("settings", restart=False)),
    (KafkaUnavailable, Verdict("kafka_unavailable", restart=True)),
    (KerberosRefused, Verdict("kerberos_refused", restart=False)),
    (KerberosUnavailable, Verdict("kerberos_unavailable", restart=True)),
    (StagingLost, Verdict("staging_lost", restart=True)),
    (LedgerMoved, Verdict("ledger_moved", restart=True)),
    (RulesChanged, Verdict("rules_changed", restart=True)),
    (IdentitiesDiffer, Verdict("identities_differ", restart=False)),
    (JvmEnded, Verdict("jvm_died", restart=False)),
    (SparkStopped, Verdict("spark_stopped", restart=False)),
    (CheckpointLost, Verdict("checkpoint_lost", restart=True)),
    (SessionRefused, Verdict("session_refused", restart=False)),
    (ExecutorRefused, Verdict("executor_refused", restart=True)),  # as an outage: someone may change it back
    (psycopg2.Error, Verdict("postgres_refused", restart=True, a_few_times=True)),
    (Py4JNetworkError, Verdict("jvm_died", restart=False)),
    (ConnectionError, Verdict("jvm_died", restart=False)),
)
# By fragments of Spark's error text; the first match wins.
_BY_TEXT: tuple[tuple[tuple[str, ...], Verdict], ...] = (
    (("SaslAuthenticationException", "SslAuthenticationException", "AuthorizationException"),
     Verdict("kafka_refused", restart=False)),
    (("CONCURRENT_STREAM_LOG_UPDATE", "CONCURRENT_QUERY", "already active"),
     Verdict("checkpoint_conflict", restart=True)),
    (("KAFKA_DATA_LOSS", "may have been missed", "OffsetOutOfRange"),
     Verdict("kafka_data_lost", restart=True, a_few_times=True)),
    (("org.apache.kafka.", "KafkaException", "Kafka"), Verdict("kafka_unavailable", restart=True)),
)  # fmt: skip
# No restart: the job has already retried for streaming.outage_retry_seconds.
_WAITED_FOR = Verdict("postgres_unavailable", restart=False)
_SPARK = Verdict("spark", restart=True)
_UNEXPECTED = Verdict("unexpected", restart=True, a_few_times=True)


def verdict(error: BaseException, *, claimed: bool) -> Verdict:
    """The verdict on the error that ended a run of a stream; `claimed`: this process has claimed the stream before."""
    if isinstance(error, TopicMissing):
        # At a process's first start the name is wrong, or `migrate` was not run. Later the topic was deleted, or a
        # broker that is starting does not know it yet.
        return Verdict("topic_missing", restart=claimed)
    if isinstance(error, psycopg2.Error) and may_pass(error):
        return _WAITED_FOR
    for kind, result in _BY_CLASS:
        if isinstance(error, kind):
            return result
    return _of_text(error)


def _of_text(error: BaseException) -> Verdict:
    error_text = str(error)
    is_from_spark = isinstance(error, PySparkException) or type(error).__module__.startswith("py4j")
    if is_from_spark and (trouble := kerberos_trouble(error_text)):
        return Verdict(trouble.reason, restart=trouble.passes)
    if is_from_spark:
        for fragments, result in _BY_TEXT:
            if any(fragment in error_text for fragment in fragments):
                return result
        return _SPARK
    return _UNEXPECTED


def known() -> Iterator[tuple[type[BaseException] | None, Verdict]]:
    """Every verdict but that on TopicMissing, with its class of errors; None: it goes by text, or is for the rest."""
    yield from _BY_CLASS
    for result in (*(result for _, result in _BY_TEXT), _WAITED_FOR, _SPARK, _UNEXPECTED):
        yield None, result


def error_line(error: BaseException) -> str:
    """An error's first line, prefixed with its class unless it is a CastroError or one of Kerberos's, told in words."""
    line = first_line(error)
    if isinstance(error, Exception) and hasattr(error, "problem"):
        return line
    if trouble := kerberos_trouble(str(error)):
        return f"{trouble.problem} ({line}); what to do: {trouble.remedy}"
    return f"{type(error).__name__}: {line}"
