"""When a batch's records were produced, by Kafka's record time: the start of the latencies that are measured.

Of the events and deletes; a record that is rejected or skipped changes nothing that could be late. Instead of each
record's time a few are kept, each the mean of records of about the same age: the error is below a tenth of the age that
they had when they were staged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.parse import DELETE, EVENT

_CELLS_AN_OCTAVE = 4


@dataclass
class ProduceTimes:
    """`cells`: Unix milliseconds, and how many records have about this time. `untimed`: records without a plausible
    time. `newest`: by partition the greatest time of all its records, whatever became of them."""

    cells: list[tuple[int, int]] = field(default_factory=list)
    untimed: int = 0
    newest: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parsed: Iterable[pa.RecordBatch]) -> ProduceTimes:
        """The times of parsed records (parse_batch)."""
        times = cls()
        for batch in parsed:
            times._take(batch)
        return times

    def add(self, other: ProduceTimes) -> None:
        """Adds the times of other records."""
        self.cells += other.cells
        self.untimed += other.untimed
        for partition, newest in other.newest.items():
            self.newest[partition] = max(newest, self.newest.get(partition, newest))

    def as_json(self) -> str:
        """As JSON, for a column."""
        return json.dumps([self.cells, self.untimed, list(self.newest.items())])

    @classmethod
    def of_json(cls, text: str) -> ProduceTimes:
        cells, untimed, newest = json.loads(text)
        return cls([(at, records) for at, records in cells], untimed, dict(newest))

    def _take(self, batch: pa.RecordBatch) -> None:
        times = batch.column("record_timestamp").cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        known = times.is_valid().to_numpy(zero_copy_only=False)
        milliseconds = times.fill_null(0).to_numpy()
        partitions = batch.column("partition").to_numpy()
        for partition in np.unique(partitions[known]).tolist():
            newest = int(milliseconds[known & (partitions == partition)].max())
            self.newest[partition] = max(newest, self.newest.get(partition, newest))
        applied = pc.is_in(batch.column("outcome"), value_set=pa.array([EVENT, DELETE])).to_numpy(zero_copy_only=False)
        self.untimed += int((applied & ~known).sum())
        now = int(time.time() * 1000)
        ages = (now - milliseconds[applied & known]).astype(np.float64)
        octaves = np.log2(np.maximum(ages, 1.0)) * _CELLS_AN_OCTAVE
        cells = np.where(ages < 0, 0, 1 + octaves.astype(np.int64))  # 0: times that are ahead
        records, sums = np.bincount(cells), np.bincount(cells, weights=ages)
        for cell in np.flatnonzero(records).tolist():
            self.cells.append((now - round(sums[cell] / records[cell]), int(records[cell])))
