"""Metadata of parsed records for the commit: counts of skipped records by name, and the sources of changes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.parse.origin import Source
from castro_spark.parse.reasons import MOST_NAMES, OTHER_NAMES, SKIP

SOURCES_KEY = b"castro_sources"  # of a parsed batch's schema metadata

Place = tuple[int, int]  # partition, offset


@dataclass
class Notes:
    """`skipped`: records by kind (a Skip's value) and the other table's name ("" for other kinds). `sources`: the
    lowest place of a change of each source, while the stream's source is not fixed.
    """

    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    sources: dict[Source, Place] = field(default_factory=dict)

    @classmethod
    def of(cls, parsed: Iterable[pa.RecordBatch]) -> Notes:
        """The notes of parsed records (parse_batch)."""
        notes = cls()
        for batch in parsed:
            skips = batch.select(["outcome", "reason", "detail"]).filter(pc.equal(batch.column("outcome"), SKIP))
            if len(skips):
                named = pa.Table.from_batches([skips]).group_by(["reason", "detail"], use_threads=False)
                for row in named.aggregate([([], "count_all")]).to_pylist():
                    notes._skip(row["reason"], row["detail"] or "", row["count_all"])
            if sources := (batch.schema.metadata or {}).get(SOURCES_KEY):
                notes._find(json.loads(sources))
        return notes

    def add(self, other: Notes) -> None:
        """Adds the notes of other records."""
        for (kind, name), records in other.skipped.items():
            self._skip(kind, name, records)
        for source, place in other.sources.items():
            self.sources[source] = min(place, self.sources.get(source, place))

    def as_json(self) -> str | None:
        """As JSON, for a column; None if there are no notes."""
        if not self.skipped and not self.sources:
            return None
        return json.dumps([[(*key, n) for key, n in self.skipped.items()], as_rows(self.sources)])

    @classmethod
    def of_json(cls, text: str | None) -> Notes:
        notes = cls()
        if text is not None:
            skipped, sources = json.loads(text)
            for kind, name, records in skipped:
                notes._skip(kind, name, records)
            notes._find(sources)
        return notes

    def _skip(self, kind: str, name: str, records: int) -> None:
        known = not name or (kind, name) in self.skipped or len(self.skipped) < MOST_NAMES
        self.skipped[kind, name if known else OTHER_NAMES] += records

    def _find(self, rows: list[list[str | int | None]]) -> None:
        for server, database, schema, partition, offset in rows:
            assert isinstance(partition, int) and isinstance(offset, int)
            source, place = Source(_text(server), _text(database), _text(schema)), (partition, offset)
            self.sources[source] = min(place, self.sources.get(source, place))


def as_rows(sources: dict[Source, Place]) -> list[tuple[str | int | None, ...]]:
    """The sources and their places as rows, for JSON."""
    return [(s.server, s.database, s.schema, *place) for s, place in sources.items()]


def _text(name: str | int | None) -> str | None:
    return name if isinstance(name, str) else None
