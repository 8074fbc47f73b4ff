"""Named checks of everything that a start depends on; checks that need no Spark come first.

A check returns nothing, or raises an error. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial

import psycopg2
import redis
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from castro_spark.batch.history import check_history
from castro_spark.errors import CastroError, in_words
from castro_spark.rules import configured
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.migrate import check_migrated
from castro_spark.sinks.redis.trouble import check_usable
from castro_spark.sources.hive import read_table
from castro_spark.sources.kafka import topic_states
from castro_spark.streaming.checkpoint import check_writable
from castro_spark.streams.declaration import StreamDeclaration

Check = tuple[str, Callable[[], object]]


def checks(
    settings: Settings, streams: Sequence[StreamDeclaration], session: Callable[[], SparkSession], *, warehouse: bool
) -> Iterator[Check]:
    """Yields all checks; run each before taking the next: `session` starts Spark after the first three.

    The settings are loaded, so they are valid. `warehouse`: also check its tables and the streams' histories there.
    """
    yield "settings", lambda: None
    yield "postgres", partial(_postgres, settings, streams)
    yield "redis", lambda: check_usable(settings.redis)
    try:
        spark = session()
    except CastroError as error:  # no login
        yield "kerberos", partial(_raise, error)
        return
    except (PySparkException, Py4JError, OSError) as error:
        problem = f"Spark does not start: {in_words(error)}"
        yield "spark", partial(_raise, CastroError(problem, "is there a Java 17 or newer, and its memory?"))
        return
    yield "checkpoints", partial(check_writable, spark, settings.checkpoint_dir, "checkpoint_dir")
    if archive := settings.archive.dir:
        yield "archive", partial(check_writable, spark, archive, "archive.dir")
    topics = [configured(s, settings).topic for s in streams]
    for topic, state in topic_states(spark, settings.kafka, topics).items():
        yield f"topic {topic}", partial(_raise, state)
    if warehouse:
        for mapping in settings.warehouse.mapped.values():
            yield f"table {mapping.source}", partial(read_table, spark, mapping, None, settings.zone)
        for stream in streams:
            yield f"history of {stream.name}", partial(check_history, spark, settings, stream)


def outcome(check: Callable[[], object]) -> str:
    """`ok`, or the error text."""
    try:
        check()
    except (CastroError, psycopg2.Error, redis.RedisError, OSError) as error:
        return str(error).strip()
    return "ok"


def _postgres(settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
    with closing(connect(settings.postgres, "castro_spark validate")) as connection:
        for stream in streams:
            check_migrated(connection, stream)


def _raise(state: object) -> None:
    if isinstance(state, CastroError):
        raise state
