"""Ids that were sent padded, or not in Unicode's composed form: noted, and rejected where two of them become one.

Seen by batch only: two such ids that come in batches far apart are taken for one event, as a padded column's are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.parse.reasons import Reason
from castro_spark.streams.declaration import StreamDeclaration


def without_ambiguous(
    parsed: Sequence[pa.RecordBatch], stream: StreamDeclaration, rejected: str
) -> list[pa.RecordBatch]:
    """Parsed batches (`parse_records`), in which records of one event id that was sent in several forms are rejects.

    Which of them are one event, and which are two whose ids differ in nothing that counts, cannot be known.
    """
    if not any(batch.num_rows - batch.column("raw_id").null_count for batch in parsed):
        return list(parsed)
    changed = [batch.column("event_id").filter(batch.column("raw_id").is_valid()) for batch in parsed]
    of_interest = pa.chunked_array(changed, pa.string()).unique()
    forms: dict[str, set[str]] = defaultdict(set)
    for batch in parsed:
        known = batch.filter(pc.is_in(batch.column("event_id"), of_interest))
        for id_, raw in zip(known.column("event_id").to_pylist(), known.column("raw_id").to_pylist(), strict=True):
            forms[id_].add(id_ if raw is None else raw)
    several = {id_: sorted(raw) for id_, raw in forms.items() if len(raw) > 1}
    if not several:
        return list(parsed)
    words = {id_: f"{' and '.join(map(repr, raw))} are one id" for id_, raw in several.items()}
    return [_rejecting(batch, stream, words, rejected) for batch in parsed]


def _rejecting(
    batch: pa.RecordBatch, stream: StreamDeclaration, ambiguous: dict[str, str], rejected: str
) -> pa.RecordBatch:
    details = [ambiguous.get(id_) for id_ in batch.column("event_id").to_pylist()]
    words = pa.array(details, pa.string())
    is_ambiguous = words.is_valid()
    columns = {"outcome": rejected, "reason": Reason.AMBIGUOUS_ID.value, "detail": words}
    columns |= dict.fromkeys(("kept", "raw_id", *stream.event_columns))
    for name, value in columns.items():
        held = batch.column(name)
        given = value if isinstance(value, pa.Array) else pa.scalar(value, held.type)
        batch = batch.set_column(batch.schema.get_field_index(name), name, pc.if_else(is_ambiguous, given, held))
    return batch
