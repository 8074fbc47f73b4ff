"""One such job of a stream at a time, on a database that has what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from castro_spark.errors import NotMigrated, SinkError
from castro_spark.parse.origin import Source
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, introduce, read_ledger
from castro_spark.sinks.postgres.commit.source import fixed_source
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.exclusive import ExclusiveLock
from castro_spark.sinks.postgres.migrate import check_migrated
from castro_spark.streams.declaration import StreamDeclaration


def introduced(settings: Settings, stream: StreamDeclaration, job: str) -> None:
    """Makes sure that the stream's tables are there, and its row if it was never started."""
    with closing(connect(settings.postgres, f"castro_spark {stream.name} {job}")) as connection:
        check_migrated(connection, stream)
        introduce(connection, stream.name, stream.topic, f"a {job}")


def ledger_of(settings: Settings, stream: StreamDeclaration, job: str) -> Ledger:
    """The ledger of a stream that was introduced, as committed."""
    with closing(connect(settings.postgres, f"castro_spark {stream.name} {job}")) as connection:
        ledger = read_ledger(connection, stream.name)
    if ledger is None:
        raise NotMigrated(f"stream {stream.name} was never started", f"start it: stream --stream {stream.name}")
    return ledger


def source_of(settings: Settings, stream: StreamDeclaration, job: str) -> Source | None:
    """The source that the stream's first change fixed, as committed."""
    with closing(connect(settings.postgres, f"castro_spark {stream.name} {job}")) as connection, connection:
        return fixed_source(connection, stream.name)


@contextmanager
def exclusively(settings: Settings, stream: StreamDeclaration, job: str) -> Iterator[Callable[[], None]]:
    """Makes sure that the stream is introduced and that no other `job` of it runs; gives what checks that this still is
    so, and raises where not."""
    introduced(settings, stream, job)
    only = ExclusiveLock(settings.postgres, job, stream.name)
    try:
        if not only.take():
            raise SinkError(f"another {job} of stream {stream.name} runs", "wait until it has ended")
        yield only.check
    finally:
        only.release()
