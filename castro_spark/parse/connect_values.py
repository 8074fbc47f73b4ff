"""A column's value as Kafka Connect and Debezium encode it -> the text that the field's reader takes.

What the readers then say of a value (out of range, too precise, ...) is the same as of a native record's.

Decimals. Text and JSON numbers are plain already (decimal.handling.mode=string or double, decimal.format=numeric).
A `Decimal` (mode precise) is base64 of its unscaled big-endian two's complement, and only the schema of the
`{"schema", "payload"}` wrapper tells it and its scale: without the wrapper it is bad_number, so send the schema or use
decimal.handling.mode=string. A `VariableScaleDecimal` carries its scale and is known without a schema.

Times. Debezium's integers (days, milli-, micro- or nanoseconds) come from columns without a time zone: they are a
wall clock written as if it were UTC, so they become a local time without an offset, and never an instant, as a
native record's milliseconds are. The unit is the schema's; without one it is told by the magnitude, which is sure
for every time that is accepted: from 1990 to the year 9999 no two units share a number. IsoTimestamp and IsoDate
(time.precision.mode=isostring) end in a Z that means nothing: it is dropped where the schema names them, and from
a lone date. A column that the schema gives no such name to (a bigint, a text) holds what the application wrote:
it is read like a native record's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from castro_spark.parse.document import Number
from castro_spark.parse.reasons import Reason, Unusable
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
_FEWEST = ((6 * 10**17, _NANOSECONDS), (6 * 10**14, _MICROSECONDS), (10**7, _MILLISECONDS), (0, _DAYS))
_EPOCH = datetime(1970, 1, 1)

_COUNT = re.compile(r"-?[0-9]{1,20}").fullmatch
_SCALE = re.compile(r"-?[0-9]{1,5}").fullmatch
_DATE_AND_Z = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}Z").fullmatch
_LONGEST_UNSCALED = 1024  # bytes
_PLAIN_SCALES = 100


def columns_of(schema: object) -> dict[str, Schema]:
    """A struct's schema -> its columns' schemas by name; nothing for whatever else."""
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not isinstance(fields, list):
        return {}
    return {f["field"]: f for f in fields if isinstance(f, dict) and isinstance(f.get("field"), str)}


def plain(held: object, type_: FieldType, schema: Schema | None) -> object:
    """The value as a native record would hold it. What is no such encoding is returned as it is, for the reader.

    Raises Unusable: bad_number (no base64, no scale), out_of_range, timestamp_out_of_range.
    """
    name = schema.get("name") if schema else None
    if isinstance(held, dict) and held.keys() == {"scale", "value"}:
        return _decimal(held["value"], held["scale"])
    if not isinstance(held, str):
        return held
    # No point and no sign belong to base64's letters: with one it is a number, under any schema.
    if name == DECIMAL and not isinstance(held, Number) and "." not in held and "-" not in held:
        assert schema is not None
        parameters = schema.get("parameters")
        return _decimal(held, parameters.get("scale") if isinstance(parameters, dict) else None)
    if type_ in (FieldType.TEXT, FieldType.DECIMAL):
        return held
    # Whatever else a field can be is a time: a timestamp, or a day.
    return _time(str(held), name, known=schema is not None)


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
    # Written out, unless it would be nothing but zeros. A number: what wants a text wants its plain digits.
    return Number(f"{Decimal(text):f}" if abs(int(scale)) <= _PLAIN_SCALES else text)


def _time(text: str, name: object, *, known: bool) -> str:
    if name in _ISO_STRINGS or _DATE_AND_Z(text):
        return text.removesuffix("Z")
    if not _COUNT(text):
        return text
    if isinstance(name, str) and name in _UNITS:
        return _wall_clock(int(text), _UNITS[name])
    if known:
        return text
    return _wall_clock(int(text), next(unit for fewest, unit in _FEWEST if abs(int(text)) >= fewest))


def _wall_clock(count: int, unit: tuple[int, int]) -> str:
    try:
        local = _EPOCH + timedelta(microseconds=count * unit[0] // unit[1])
    except OverflowError:
        raise Unusable(Reason.TIMESTAMP_OUT_OF_RANGE) from None
    return local.isoformat(timespec="microseconds")
