"""Ids that were sent padded or not in NFC: counted, and rejected if two of them normalize to the same id.

Detected within a batch only: two such ids in different batches count as one event, like those of a padded column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.parse.reasons import Reason
from castro_spark.streams.declaration import StreamDeclaration

_FORMS_NAMED, _LONGEST_FORM = 3, 40


def without_ambiguous(
    parsed: Sequence[pa.RecordBatch], stream: StreamDeclaration, rejected: str
) -> list[pa.RecordBatch]:
    """Parsed batches (`parse_records`), with the records of an event id that was sent in several forms as rejects.

    It is unknown whether they are one event or several whose ids differ only before normalization.
    """
    if not any(batch.num_rows - batch.column("raw_id").null_count for batch in parsed):
        return list(parsed)
    with_raw = [batch.column("event_id").filter(batch.column("raw_id").is_valid()) for batch in parsed]
    normalized_ids = pa.chunked_array(with_raw, pa.string()).unique()
    forms: dict[str, set[str]] = defaultdict(set)
    for batch in parsed:
        affected = batch.filter(pc.is_in(batch.column("event_id"), normalized_ids))
        ids, raw_ids = affected.column("event_id").to_pylist(), affected.column("raw_id").to_pylist()
        for id_, raw in zip(ids, raw_ids, strict=True):
            forms[id_].add(id_ if raw is None else raw)
    several = {id_: sorted(raw) for id_, raw in forms.items() if len(raw) > 1}
    if not several:
        return list(parsed)
    details = {id_: _detail(raw) for id_, raw in several.items()}
    return [_rejecting(batch, stream, details, rejected) for batch in parsed]


def _detail(forms: Sequence[str]) -> str:
    """Names the first forms. Each of the records gets the text, so it must not grow with their number and length."""
    named = [
        repr(form if len(form) <= _LONGEST_FORM else f"{form[:_LONGEST_FORM]}...") for form in forms[:_FORMS_NAMED]
    ]
    more = [f"{len(forms) - _FORMS_NAMED} more"] if len(forms) > _FORMS_NAMED else []
    return f"{' and '.join(named + more)} are one id"


def _rejecting(
    batch: pa.RecordBatch, stream: StreamDeclaration, ambiguous: dict[str, str], rejected: str
) -> pa.RecordBatch:
    details = [ambiguous.get(id_) for id_ in batch.column("event_id").to_pylist()]
    detail_column = pa.array(details, pa.string())
    is_ambiguous = detail_column.is_valid()
    columns = {"outcome": rejected, "reason": Reason.AMBIGUOUS_ID.value, "detail": detail_column}
    columns |= dict.fromkeys(("kept", "raw_id", *stream.event_columns))
    for name, value in columns.items():
        current = batch.column(name)
        given = value if isinstance(value, pa.Array) else pa.scalar(value, current.type)
        batch = batch.set_column(batch.schema.get_field_index(name), name, pc.if_else(is_ambiguous, given, current))
    return batch
