"""Reads a field's values of many records at once. The field's reader (values/fields) alone decides what is unusual.

Each distinct value is read once: those of a usual form by Arrow's functions, the others by the reader.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from castro_spark.features.calendar import instants_of
from castro_spark.parse.columns import ARROW_TYPES, array_of
from castro_spark.parse.reasons import Unusable
from castro_spark.parse.rules import ParseRules
from castro_spark.parse.values.fields import USUAL_NUMBER, Reader
from castro_spark.streams.declaration import Field, FieldType

_ASCII = r"\A[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?\z"  # without backslashes
_NUMBER = rf"\A(?:{USUAL_NUMBER})\z"
_NO_SIGN = rf"\A(?:{USUAL_NUMBER.removeprefix('-?')})\z"
# The 29th of February is left to the reader.
_LOCAL = (
    r"(?:19|20)[0-9]{2}-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.(?:[0-9]{3}){1,2})?"
)
_LOCAL_TIME = rf"\A{_LOCAL}\z"
_TIME_WITH_OFFSET = rf"\A{_LOCAL}(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])\z"
_EPOCH_MILLISECONDS = r"\A[1-9][0-9]{11,12}\z"
_FIRST = datetime(1991, 1, 1, tzinfo=timezone.utc)  # well after the earliest accepted time in any zone
_INSTANT = pa.timestamp("us", tz="UTC")


def read_values(texts: pa.StringArray, field: Field, reader: Reader, rules: ParseRules) -> tuple[pa.Array, pa.Array]:
    """A field's values, as JSON writes them and without null -> the values of its reader, in an array of the column's
    type, and which of the texts it refuses (boolean)."""
    encoded = texts.dictionary_encode()
    distinct, rows = encoded.dictionary, encoded.indices
    values = _usual(distinct, field, rules)
    unusual = values.is_null()
    refused = np.zeros(len(distinct), np.bool_)
    if values.null_count:
        read: list[object] = []
        for index in np.flatnonzero(unusual.to_numpy(zero_copy_only=False)):
            text = distinct[index].as_py()
            try:
                read.append(reader(json.loads(f'"{text}"') if "\\" in text else text))
            except Unusable:
                read.append(None)
                refused[index] = True
        values = pc.replace_with_mask(values, unusual, array_of(field, tuple(read)))
    return values.take(rows), pa.array(refused).take(rows)


def usual_texts(texts: pa.StringArray, max_length: int) -> pa.StringArray:
    """The texts that a text_reader returns unchanged, null for others: printable ASCII without outer
    blanks and JSON's escapes."""
    fits = pc.less_equal(pc.binary_length(texts), max_length)
    return _only(texts, pc.and_(fits, pc.match_substring_regex(texts, _ASCII)))


def _usual(texts: pa.StringArray, field: Field, rules: ParseRules) -> pa.Array:
    """The values of texts of usual forms, null for others."""
    if field.type is FieldType.TEXT:
        return usual_texts(texts, field.max_length)
    if field.type is FieldType.TIMESTAMP:
        return _instants(texts, rules)
    if field.type is FieldType.DECIMAL:
        form = _NO_SIGN if field.non_negative else _NUMBER
        return _only(texts, pc.match_substring_regex(texts, form)).cast(ARROW_TYPES[field.type])
    return pa.nulls(len(texts), ARROW_TYPES[field.type])


def _instants(texts: pa.StringArray, rules: ParseRules) -> pa.Array:
    found = pa.nulls(len(texts), _INSTANT)
    forms = ((_LOCAL_TIME, _of_local), (_TIME_WITH_OFFSET, _of_offset), (_EPOCH_MILLISECONDS, _of_epoch))
    for form, convert in forms:
        matching = pc.match_substring_regex(texts, form)
        if pc.any(matching).as_py():
            found = pc.coalesce(found, convert(_only(texts, matching), rules))
        if not found.null_count:
            break
    first, last = (pa.scalar(at, _INSTANT) for at in (_FIRST, rules.latest_time))
    in_range = pc.and_(pc.greater_equal(found, first), pc.less_equal(found, last))
    return pc.if_else(in_range, found, pa.scalar(None, _INSTANT))


def _of_local(texts: pa.StringArray, rules: ParseRules) -> pa.Array:
    return instants_of(texts.cast(pa.timestamp("us")), rules.timezone)


def _of_offset(texts: pa.StringArray, rules: ParseRules) -> pa.Array:  # noqa: ARG001
    return texts.cast(_INSTANT)


def _of_epoch(texts: pa.StringArray, rules: ParseRules) -> pa.Array:  # noqa: ARG001
    return texts.cast(pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(_INSTANT)


def _only(texts: pa.StringArray, chosen: pa.Array) -> pa.StringArray:
    return pc.if_else(chosen, texts, pa.scalar(None, texts.type))
