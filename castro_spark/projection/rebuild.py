"""Rebuilds all hashes of a stream on request: in the process that projects, or in this one if there is none."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from castro_spark.counted import counted
from castro_spark.projection import committed
from castro_spark.projection.followers import Follower
from castro_spark.projection.projector import StreamProjector
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import read_ledger
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streams.declaration import StreamDeclaration


@dataclass(frozen=True)
class Rebuilt:
    """The result of one stream's rebuild; `revision` is None if the stream was never started."""

    stream: str
    revision: int | None = None
    keys: int = 0
    problem: str = ""

    def line(self) -> str:
        """For a terminal."""
        if self.revision is None:
            return f"{self.stream}: never started, nothing to cache"
        if self.problem:
            return self.problem
        return f"{self.stream}: {counted(self.keys, 'hash', 'hashes')} as of revision {self.revision}"


def rebuild(settings: Settings, stream: StreamDeclaration) -> Rebuilt:
    """Requests a rewrite of all hashes of the stream, and waits until it is done or has failed.

    Runs concurrently with commits. Removes hashes without a row. Safe to repeat.
    """
    with closing(connect(settings.postgres, "castro_spark cache")) as connection:
        ledger = read_ledger(connection, stream.name)
        if ledger is None:
            return Rebuilt(stream.name)
        number = committed.request_rebuild(connection, stream.name)
        follower = Follower(settings, StreamProjector(settings, stream))
        problem = follower.end()
        done, keys = committed.rebuilt(connection, stream.name)
    if done < number and not problem:
        problem = f"{stream.name}: the rebuild has not been done yet"
    return Rebuilt(stream.name, ledger.revision, keys, problem)
