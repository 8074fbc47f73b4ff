"""The stream without Kafka and Spark's engine: parse, staging, commit and publication, as the stream calls them."""

from __future__ import annotations

import time

import pyarrow as pa

from castro_spark.parse import parse_batch
from castro_spark.parse.notes import Notes
from castro_spark.projection.projector import StreamProjector
from castro_spark.rules import parse_rules
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit.ledger import claim
from castro_spark.sinks.postgres.commit.session import CommitSession
from castro_spark.sinks.postgres.commit.staging import StagedBatch, copy_parsed, count, new_attempt, stage_on_driver
from castro_spark.sinks.postgres.commit.transaction import Committed, StreamCommits
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.working_tables import SLOTS
from castro_spark.streams import StreamDeclaration, stream
from tests.statements import composed
from tests.system import System
from tests.unit.parse.test_records import records

INVENTORY = stream("inventory")
PARTITIONS = 3
Record = tuple[int, int, bytes | None] | tuple[int, int, bytes | None, bytes | None]  # partition, offset, value, key


class Consumer:
    """Commits batches as the stream does, with what Spark would hand it. Begins anew, or with `resume` where it was."""

    def __init__(self, system: System, declaration: StreamDeclaration = INVENTORY, *, resume: bool = False) -> None:
        self.system = system
        self.stream = declaration
        self.settings = load_settings(conf_file=system.conf, environ=system.env)
        self.connection = connect(self.settings.postgres, "test")
        if not resume:
            tables = [f"ml_{declaration.name}_{of}" for of in ("realtime", "daily", "monthly")]
            system.query(composed(
                "TRUNCATE {tables}, castro.stream,"
                " castro.offset_ledger, castro.batch_books, castro.quarantine, castro.emptied, castro.deleted, castro.touched,"
                " castro.projection, castro.projection_request, castro.skipped, castro.stream_source, castro.latency,"
                " castro.uncounted, castro.record_total",
                tables=tables,
            ))  # fmt: skip
            system.redis.flushdb()
        self.ledger = claim(
            self.connection, declaration.name, topic="t", topic_id="id", beginnings=dict.fromkeys(range(PARTITIONS), 0),
            writer="test",
        )  # fmt: skip
        self.rules = parse_rules(declaration, self.settings, 0, warehouse=self.ledger.warehouse_kinds)
        self.commits = StreamCommits(
            self.settings.postgres, declaration, epoch=self.ledger.epoch, patience=0, fresh_from=self.settings.fresh_from
        )
        self.projector = StreamProjector(self.settings, declaration)
        self.positions = dict(self.ledger.positions)
        self.session: CommitSession | None = None  # of the last commit, if it was copied ahead

    def consume(self, number: int, batch: list[Record], *, by_executors: bool, twice: bool) -> None:
        """Every other batch of the driver's is copied ahead, as those of a backlog are."""
        rows = with_positions(batch)
        ends = self.ends(batch)
        for _ in range(1 + twice):
            staged = stage_on_driver([rows], self.rules, self.positions)
            if by_executors:
                staged = self.stage_in_slot(rows, SLOTS[number % 2])
            self.commit(number, staged, ends, ahead=not by_executors and number % 2 == 0)
            assert self.projector.step().is_level
        self.projector.disconnect()  # whoever comes next may project
        self.positions = ends

    def ends(self, batch: list[Record]) -> dict[int, int]:
        """Where the ledger is after the batch."""
        ends = dict(self.positions)
        for partition, offset, *_ in batch:
            ends[partition] = max(ends[partition], offset + 1)
        return ends

    def commit(self, number: int, staged: StagedBatch, ends: dict[int, int], *, ahead: bool = False) -> Committed:
        self.session = self.commits.copy_ahead(staged, self.session) if ahead else None
        return self.commits.commit(staged, batch_id=number, starts=self.positions, ends=ends, session=self.session)

    def timed_commit(self, number: int, batch: list[Record]) -> float:
        """Seconds that the transaction of a batch takes, COPY into its temporary tables included; Redis is left out."""
        staged = stage_on_driver([with_positions(batch)], self.rules, self.positions)
        ends = self.ends(batch)
        began = time.perf_counter()
        self.commit(number, staged, ends)
        took = time.perf_counter() - began
        self.positions = ends
        return took

    def stage_in_slot(self, rows: pa.RecordBatch, slot: str) -> StagedBatch:
        parsed, attempt = parse_batch(rows, self.rules), new_attempt()
        copy_parsed(self.connection, self.stream, parsed, attempt, slot)
        copy_parsed(self.connection, self.stream, parsed, new_attempt(), slot)  # of a task whose result was lost
        self.connection.commit()
        return StagedBatch(counts=count([parsed]), attempts=[attempt], slot=slot, notes=Notes.of([parsed]))

    def close(self) -> None:
        self.commits.close()
        self.projector.close()
        self.connection.close()


def with_positions(batch: list[Record]) -> pa.RecordBatch:
    """The batch as a source gives it."""
    partitions, offsets, values, keys = zip(*((*r, None)[:4] for r in batch), strict=True)
    plain = records(list(values))
    return pa.RecordBatch.from_arrays(
        [
            pa.array(partitions, pa.int32()),
            pa.array(offsets, pa.int64()),
            plain.column("timestamp"),
            pa.array(keys, pa.binary()),
            plain.column("value"),
        ],
        names=plain.schema.names,
    )
