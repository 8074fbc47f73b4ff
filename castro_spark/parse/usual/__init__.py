"""Usual native records, read many at once: several times as fast as one by one, with the same result.

Every rule is defined once, in the record path (parse/records, envelope, values/fields). What is not usual is left
to it: other envelopes, quotation marks in texts, values that a reader refuses, ids that are not printable ASCII.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.parse.columns import ARROW_TYPES
from castro_spark.parse.identity import NATURAL_NULL, NATURAL_SEPARATOR, hashed_id
from castro_spark.parse.rules import ParseRules
from castro_spark.parse.usual.shape import Shape, shape_of
from castro_spark.parse.usual.values import read_values, usual_texts

FEWEST = 300  # records of a shape, from which on this is faster than one by one
_EXAMPLES = 16
_GOLDEN = 0.6180339887498949
_MOST_SHAPES = 8  # each costs a pass over the records that are left
_AROUND_NUMBERS = " \t\r\n:,}"  # between quotation marks

Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Usual:
    """Events of one shape: their rows in the batch, ascending; their columns (event_id, and those of the fields); the
    names of their unknown fields."""

    rows: Rows
    columns: Columns
    unknown: tuple[str, ...]


def read_usual(values: pa.Array, rules: ParseRules) -> Iterator[Usual]:
    """The usual events among native records (binary), by shape."""
    if len(values) < FEWEST:
        return
    values = values.cast(pa.binary())
    left = pc.less_equal(pc.binary_length(values), rules.max_bytes).fill_null(False).to_numpy(zero_copy_only=False)
    for shape in _frequent_shapes(values, rules):
        rows = np.flatnonzero(left)
        rows = rows[pc.match_substring_regex(values.take(rows), shape.pattern).to_numpy(zero_copy_only=False)]
        left[rows] = False
        events = _read(values.take(rows), rows, shape, rules)
        if len(events.rows):
            yield events


def _frequent_shapes(values: pa.BinaryArray, rules: ParseRules) -> list[Shape]:
    """The shapes of examples from the whole batch, the most frequent first, without those of too few records."""
    # Spread by the golden ratio: equal distances would meet the same producer again and again if they take turns.
    rows = (np.arange(_EXAMPLES) * _GOLDEN % 1 * len(values)).astype(np.int64)
    examples = values.take(rows).to_pylist()
    shapes = Counter(shape for example in examples if (shape := shape_of(example, rules)))
    fewest = FEWEST * _EXAMPLES / len(values)
    return [shape for shape, seen in shapes.most_common(_MOST_SHAPES) if seen >= fewest]


def _read(values: pa.BinaryArray, rows: Rows, shape: Shape, rules: ParseRules) -> Usual:
    """The events among records of a shape. Those with values that a reader refuses, or with unusual ids, are none."""
    parts = pc.split_pattern(values.view(pa.string()), '"').flatten()
    firsts = np.arange(len(values)) * shape.parts
    places = dict(shape.places)
    refused = np.zeros(len(values), np.bool_)
    columns: Columns = {}
    for field, reader in rules.readers:
        place = places.get(field.name)
        if place is None:
            columns[field.column] = pa.nulls(len(values), ARROW_TYPES[field.type])
            continue
        texts = parts.take(firsts + place)
        if place % 2 == 0:  # outside quotation marks
            texts = pc.ascii_trim(texts, _AROUND_NUMBERS)
        if field.name == rules.stream.event_id_field:
            columns["event_id"] = ids = _usual_ids(texts, field.max_length)
            refused |= ids.is_null().to_numpy(zero_copy_only=False)
        else:
            columns[field.column], unreadable = read_values(texts, field, reader, rules)
            refused |= unreadable.to_numpy(zero_copy_only=False)
    if refused.any():
        taken = np.flatnonzero(~refused)
        rows, columns = rows[taken], {name: column.take(taken) for name, column in columns.items()}
    if rules.stream.event_id_field not in places:
        columns["event_id"] = _natural_ids(columns, rules)
    if rules.source_label:
        columns["event_id"] = pa.array(map(rules.of_source, columns["event_id"].to_pylist()), pa.string())
    return Usual(rows, columns, shape.unknown)


def _usual_ids(texts: pa.StringArray, max_length: int) -> pa.StringArray:
    """The ids that are accepted as sent, null for others: unusual texts, and what may read like a natural key's."""
    ids = usual_texts(texts, max_length)
    return pc.if_else(pc.match_substring(ids, "nk:"), pa.scalar(None, ids.type), ids)


def _natural_ids(columns: Columns, rules: ParseRules) -> pa.StringArray:
    """`natural_id` of each row."""
    micros = columns["timestamp"].cast(pa.int64())
    key = (micros if name == "timestamp" else columns[name] for name in rules.stream.natural_key)
    texts = (pc.fill_null(column.cast(pa.string()), NATURAL_NULL) for column in key)
    joined_keys = pc.binary_join_element_wise(*texts, NATURAL_SEPARATOR)
    return pa.array(map(hashed_id, joined_keys.to_pylist(), micros.to_pylist()), pa.string())
