"""A column's value as Kafka Connect and Debezium encode it -> the text that the field's reader takes.

The readers' errors (out of range, too precise, ...) are then the same as for a native record.

Decimals. Text and JSON numbers need no decoding (decimal.handling.mode=string or double, decimal.format=numeric).
A `Decimal` (mode precise) is base64 of its unscaled big-endian two's complement; only the schema of the
`{"schema", "payload"}` wrapper identifies it and its scale. Without the wrapper it is bad_number: send the schema or
use decimal.handling.mode=string. A `VariableScaleDecimal` carries its scale and is recognized without a schema.

Times. Debezium's integers (days, milli-, micro- or nanoseconds) come from columns without a time zone: a wall clock
written as if it were UTC. They become a local time without an offset, never an instant; a native record's
milliseconds are an instant. The unit is the schema's. Without one it follows from the magnitude, unambiguously for
every accepted time: from 1990 to the year 9999 the units' ranges do not overlap. IsoTimestamp and IsoDate
(time.precision.mode=isostring) end in a Z without meaning: it is dropped if the schema names them, and from a date
alone. A column without such a name in the schema (a bigint, a text) contains what the application wrote: it is read
like a native record's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.values.document import Number
from castro_spark.streams.declaration import FieldType

Schema = Mapping[str, Any]

DECIMAL = "org.apache.kafka.connect.data.Decimal"
_ISO_STRINGS = ("io.debezium.time.IsoTimestamp", "io.debezium.time.IsoDate")
# Microseconds of a unit, as a multiplier and a divisor.
_DAYS, _MILLISECONDS, _MICROSECONDS, _NANOSECONDS = (86_400_000_000, 1), (1_000, 1), (1, 1), (1, 1_000)
_UNITS = {
    "io.debezium.time.Date": _DAYS,
    "org.apache.kafka.connect.data.Date": _DAYS,
    "io.debezium.time.Timestamp": _MILLISECONDS,
    "org.apache.kafka.connect.data.Timestamp": _MILLISECONDS,
    "io.debezium.time.MicroTimestamp": _MICROSECONDS,
    "io.debezium.time.NanoTimestamp": _NANOSECONDS,
}
# 1990 is 6.3e11 milliseconds and 6.3e14 microseconds; the year 9999 ends on day 2,932,896 and 2.5e14 milliseconds.
_UNITS_BY_MAGNITUDE = ((6 * 10**17, _NANOSECONDS), (6 * 10**14, _MICROSECONDS), (10**7, _MILLISECONDS), (0, _DAYS))
_EPOCH = datetime(1970, 1, 1)

_COUNT = re.compile(r"-?[0-9]{1,20}").fullmatch
_SCALE = re.compile(r"-?[0-9]{1,5}").fullmatch
_DATE_AND_Z = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}Z").fullmatch
_LONGEST_UNSCALED = 1024  # bytes
_PLAIN_SCALES = 100


def columns_of(schema: object) -> dict[str, Schema]:
    """A struct's schema -> its columns' schemas by name; empty for any other input."""
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list):
        return {}
    return {f["field"]: f for f in fields if isinstance(f, dict) and isinstance(f.get("field"), str)}


def plain(encoded: object, type_: FieldType, schema: Schema | None) -> object:
    """The value as a native record would have it. A value without such an encoding is returned unchanged.

    Raises Unusable: bad_number (no base64, no scale), out_of_range, timestamp_out_of_range.
    """
    name = schema.get("name") if schema else None
    if isinstance(encoded, dict) and encoded.keys() == {"scale", "value"}:
        return _decimal(encoded["value"], encoded["scale"])
    if not isinstance(encoded, str):
        return encoded
    # The base64 alphabet has no point and no minus sign: with one it is a number, under any schema.
    if name == DECIMAL and not isinstance(encoded, Number) and "." not in encoded and "-" not in encoded:
        assert schema is not None
        parameters = schema.get("parameters")
        return _decimal(encoded, parameters.get("scale") if isinstance(parameters, dict) else None)
    if type_ in (FieldType.TEXT, FieldType.DECIMAL):
        return encoded
    # The remaining field types are times: a timestamp, or a date.
    return _time(str(encoded), name, has_schema=schema is not None)


def _decimal(encoded: object, scale: object) -> Number:
    if not isinstance(encoded, str) or not isinstance(scale, str) or not _SCALE(scale):
        raise Unusable(Reason.BAD_NUMBER)
    try:
        unscaled = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise Unusable(Reason.BAD_NUMBER) from None
    if not unscaled:
        raise Unusable(Reason.BAD_NUMBER)
    if len(unscaled) > _LONGEST_UNSCALED:
        raise Unusable(Reason.OUT_OF_RANGE)
    text = f"{int.from_bytes(unscaled, 'big', signed=True)}e{-int(scale)}"
    # Written out, unless it would be mostly zeros. A Number, so that a text field takes its plain digits.
    return Number(f"{Decimal(text):f}" if abs(int(scale)) <= _PLAIN_SCALES else text)


def _time(text: str, name: object, *, has_schema: bool) -> str:
    if name in _ISO_STRINGS or _DATE_AND_Z(text):
        return text.removesuffix("Z")
    if not _COUNT(text):
        return text
    if isinstance(name, str) and name in _UNITS:
        return _wall_clock(int(text), _UNITS[name])
    if has_schema:
        return text
    return _wall_clock(int(text), next(unit for lowest, unit in _UNITS_BY_MAGNITUDE if abs(int(text)) >= lowest))


def _wall_clock(count: int, unit: tuple[int, int]) -> str:
    try:
        local = _EPOCH + timedelta(microseconds=count * unit[0] // unit[1])
    except OverflowError:
        raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE) from None
    return local.isoformat(timespec="microseconds")
