"""Runs at most one job of a kind per stream, on a migrated database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from castro_spark.errors import NotMigrated, SinkError
from castro_spark.parse.origin import Source
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, introduce, read_ledger
from castro_spark.sinks.postgres.commit.rules.source import fixed_source
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.exclusive import ExclusiveLock
from castro_spark.sinks.postgres.schema.migrate import check_migrated
from castro_spark.streams.declaration import StreamDeclaration


def ensure_introduced(settings: Settings, stream: StreamDeclaration, job: str) -> None:
    """Raises NotMigrated unless the stream's tables exist; creates the stream's row if it was never started."""
    with closing(connect(settings.postgres, f"castro_spark {stream.name} {job}")) as connection:
        check_migrated(connection, stream)
        introduce(connection, stream.name, stream.topic, f"a {job}")


def ledger_of(settings: Settings, stream: StreamDeclaration, job: str) -> Ledger:
    """The committed ledger of a stream that has a row. Raises NotMigrated if it has none."""
    with closing(connect(settings.postgres, f"castro_spark {stream.name} {job}")) as connection:
        ledger = read_ledger(connection, stream.name)
    if ledger is None:
        raise NotMigrated(f"stream {stream.name} was never started", f"start it: stream --stream {stream.name}")
    return ledger


def source_of(settings: Settings, stream: StreamDeclaration, job: str) -> Source | None:
    """The source that the stream's first change fixed; None if no change has been committed."""
    with closing(connect(settings.postgres, f"castro_spark {stream.name} {job}")) as connection, connection:
        return fixed_source(connection, stream.name)


@contextmanager
def exclusively(settings: Settings, stream: StreamDeclaration, job: str) -> Iterator[Callable[[], None]]:
    """Holds the exclusive lock of `job` on the stream while the block runs. Yields a function that raises if the lock
    was lost.

    Raises SinkError if another process holds the lock, and as `ensure_introduced` does.
    """
    ensure_introduced(settings, stream, job)
    lock = ExclusiveLock(settings.postgres, job, stream.name)
    try:
        if not lock.take():
            raise SinkError(f"another {job} of stream {stream.name} runs", "wait until it has ended")
        yield lock.check
    finally:
        lock.release()
