"""The parts of the job, each alone, on records in memory, in commits of the same records.

What a part needs of an earlier one is made before its clock runs. PostgreSQL writes a checkpoint before each part, so
that none pays for the one before.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import sql

from benchmarks.peers.consumers.arrow_records import parsed
from benchmarks.peers.consumers.plain import Plain
from benchmarks.peers.consumers.settings import Settings, Topic
from benchmarks.peers.measure import with_children
from castro_spark.parse.rules import ParseRules
from castro_spark.projection import committed
from castro_spark.projection.entries import Expiry, entries
from castro_spark.projection.rows import StreamRows
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings as ProductSettings
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.ledger import Ledger, claim
from castro_spark.sinks.postgres.commit.merging.statements import statements
from castro_spark.sinks.postgres.commit.staging import StagedBatch, stage_on_driver
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.schema.working_tables import TEMPORARY
from castro_spark.sinks.redis.hashes import Entry, VersionedHashes
from castro_spark.sinks.redis.keys import patterns
from castro_spark.sources.kafka.followed import records_of
from castro_spark.streams import stream as stream_named
from castro_spark.streams.declaration import StreamDeclaration

BATCH = 30_000  # about what castro_spark commits of a backlog in two seconds
_REHEARSED = 500  # records, so that no part's first call counts
_SQL = Path(__file__).parent.parent / "sql"
_MOST = 1 << 30  # products of a commit
_PEER = "peer"  # the schema of the plain consumer's tables


@dataclass(frozen=True)
class Batch:
    """Records as Kafka gave them, with the offsets at which they begin and end."""

    messages: list[Any]
    starts: Mapping[int, int]
    ends: Mapping[int, int]


@dataclass
class Parts:
    """Does the parts; `found` has by name their seconds, processor seconds, and the digest of the events they left."""

    settings: ProductSettings
    stream: StreamDeclaration
    consumer: Settings
    servers: Mapping[str, psutil.Process]
    batches: list[Batch]
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    _staged: list[StagedBatch] = field(default_factory=list)
    _published: list[tuple[tuple[int, int], list[list[Entry]]]] = field(default_factory=list)  # revisions and hashes

    def parse(self) -> None:
        """Records to rows, as the driver does it; the records are in Arrow's memory already."""
        records = [records_of(batch.messages) for batch in self.batches]
        stage_on_driver([records[0][:_REHEARSED]], self._rules, self.batches[0].starts)
        with self._measured("parse"):
            self._staged = [
                stage_on_driver([of], self._rules, batch.starts)
                for of, batch in zip(records, self.batches, strict=True)
            ]

    def upsert(self) -> None:
        """COPY and merge of the events, as castro_spark's commit has them, and nothing else of it."""
        composed = statements(self.stream)
        with closing(connect(self.settings.postgres, "limits")) as connection:
            staging.create_temporary_tables(connection, self.stream)
            with connection, connection.cursor() as cursor:
                cursor.execute(composed.create_temporary)
                cursor.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
            with self._measured("upsert"):
                for staged in self._staged:
                    attempt = staging.new_attempt()
                    with connection, connection.cursor() as cursor:
                        for rows in staged.parsed:
                            staging.copy_parsed(connection, self.stream, rows, attempt, TEMPORARY)
                        cursor.execute(
                            composed.merge_events[TEMPORARY], {"attempts": [attempt], "stream": self.stream.name}
                        )
                        cursor.fetchall()
            self._look("upsert", connection)
            with connection, connection.cursor() as cursor:
                cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(self.stream.events_table)))

    def upsert_plain(self) -> None:
        """COPY and upsert of the plain consumer, in tables of its own."""
        rows = [(parsed(batch.messages), dict(batch.ends)) for batch in self.batches]
        with closing(psycopg2.connect(**self.consumer.dsn, options=f"-c timezone=UTC -c search_path={_PEER}")) as peer:
            with peer, peer.cursor() as cursor:
                cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_PEER)))
                for tables in ("tables_events.sql", "tables_consumer.sql"):
                    cursor.execute((_SQL / tables).read_text())
            plain = Plain(peer, None)
            with self._measured("upsert, plain consumer"):
                for batch, ends in rows:
                    plain.commit(batch, ends)
            self._look("upsert, plain consumer", peer)

    def commit(self) -> None:
        """The whole transaction: events, sums, newest and touched products, quarantine, books, offsets. And what the
        projector would then read of each commit, apart."""
        with closing(connect(self.settings.postgres, "limits")) as connection:
            commits = StreamCommits(
                self.settings.postgres, self.stream, epoch=self._ledger.epoch, patience=5.0,
                fresh_from=self.settings.fresh_from,
            )  # fmt: skip
            commits.begin()
            reader = _Reader(self.settings, self.stream)
            for number, (staged, batch) in enumerate(zip(self._staged, self.batches, strict=True)):
                with self._measured("commit"):
                    done = commits.commit(staged, batch_id=number, starts=batch.starts, ends=batch.ends)
                with self._measured("read for Redis"):
                    self._published.append(((done.epoch, done.revision), reader.changed(done.revision)))
            commits.close()
            reader.close()
            self._look("commit", connection)

    def write_hashes(self) -> None:
        """The hashes of each commit, in the projector's chunks."""
        hashes = VersionedHashes(self.settings.redis, self.stream.name, patterns(self.stream))
        with self._measured("Redis"):
            for version, chunks in self._published:
                for chunk in chunks:
                    hashes.write(chunk, *version)
                hashes.mark(*version)
        hashes.close()

    @contextmanager
    def _measured(self, name: str) -> Iterator[None]:
        """Adds to a part's figures."""
        part = self.found.setdefault(name, {"seconds": 0.0, "cpu_seconds": {}, "events": None})
        if not part["seconds"]:
            self._checkpoint()
        clocks: dict[str, Callable[[], float]] = {
            "Python": time.process_time,
            **{server: lambda process=process: with_children(process) for server, process in self.servers.items()},
        }
        before = {who: clock() for who, clock in clocks.items()}
        began = time.monotonic()
        yield
        part["seconds"] += time.monotonic() - began
        for who, clock in clocks.items():
            part["cpu_seconds"][who] = part["cpu_seconds"].get(who, 0) + clock() - before[who]

    def _look(self, name: str, connection: Connection) -> None:
        """Notes which events the part has left, for the comparison with the reference."""
        with connection, connection.cursor() as cursor:
            cursor.execute((_SQL / "digest_events.sql").read_text())
            rows, hashed = cursor.fetchone() or (0, 0)
        self.found[name]["events"] = [rows, int(hashed or 0)]

    def _checkpoint(self) -> None:
        with closing(psycopg2.connect(**self.consumer.dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")

    @cached_property
    def _ledger(self) -> Ledger:
        with closing(connect(self.settings.postgres, "limits")) as connection:
            return claim(
                connection, self.stream.name, topic=self.stream.topic, topic_id="limits",
                beginnings=self.batches[0].starts, writer="limits",
            )  # fmt: skip

    @cached_property
    def _rules(self) -> ParseRules:
        return parse_rules(self.stream, self.settings, self._ledger.generation)


class _Reader:
    """Reads, as the projector does, the hashes that a commit changed, in its chunks of products."""

    def __init__(self, settings: ProductSettings, stream: StreamDeclaration) -> None:
        self._stream, self._chunk = stream, settings.projection.products_per_chunk
        self._rows, self._expiry = StreamRows(stream), Expiry(settings.redis.ttl, settings.zone)
        self._connection = connect(settings.postgres, "limits projection")
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")

    def changed(self, revision: int) -> list[list[Entry]]:
        chunks = []
        with committed.snapshot(self._connection, self._stream.name):
            products = committed.touched_since(self._connection, self._stream.name, revision - 1, _MOST)
            for first in range(0, len(products or []), self._chunk):
                of = (products or [])[first : first + self._chunk]
                rows = self._rows.changed(self._connection, of, revision - 1, self._expiry.horizon())
                chunks.append(list(entries(self._stream, rows, self._expiry)))
        return chunks

    def close(self) -> None:
        self._connection.close()


def _batches(consumer: Settings) -> list[Batch]:
    """All records of the topic, in commits of the same size."""
    topic = Topic(consumer, {})
    print("consuming", flush=True)
    starts = dict(topic.next)
    messages: list[Any] = []
    while not topic.is_consumed():
        messages += topic.read(BATCH, 0.1)
    batches = []
    for first in range(0, len(messages), BATCH):
        of = messages[first : first + BATCH]
        ends = starts | {m.partition(): m.offset() + 1 for m in of}
        batches.append(Batch(of, starts, ends))
        starts = ends
    return batches


def main(conf: str, found: str, servers: dict[str, int], consumer: dict[str, Any]) -> None:
    settings = load_settings(conf_file=Path(conf))
    peer = Settings(**consumer)
    processes = {name: psutil.Process(pid) for name, pid in servers.items()}
    parts = Parts(settings, configured(stream_named("inventory"), settings), peer, processes, _batches(peer))
    gc.freeze()  # the records are no garbage: they are not looked through again and again
    for part in (parts.parse, parts.upsert, parts.upsert_plain, parts.commit, parts.write_hashes):
        part()
    Path(found).write_text(json.dumps({"batch": BATCH, "parts": parts.found}))


if __name__ == "__main__":
    main(**json.loads(Path(sys.argv[1]).read_text()))
