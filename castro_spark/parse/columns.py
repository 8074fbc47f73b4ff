"""The columns of parsed records: their Arrow types, their Spark SQL types, and arrays of them."""

from __future__ import annotations

import pyarrow as pa

from castro_spark.parse.values.fields import PRECISION, SCALE
from castro_spark.streams.declaration import POSITION_COLUMN, Field, FieldType, StreamDeclaration

ARROW_TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.DECIMAL: pa.decimal128(PRECISION, SCALE),
    FieldType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    FieldType.DATE: pa.date32(),
}
_DDL_TYPES = {
    FieldType.TEXT: "string",
    FieldType.DECIMAL: f"decimal({PRECISION},{SCALE})",
    FieldType.TIMESTAMP: "timestamp",
    FieldType.DATE: "date",
}


def array_of(field: Field, values: tuple[object, ...]) -> pa.Array:
    """The values of the field's reader, as an array of the column's type."""
    if field.type is FieldType.DECIMAL:
        return pa.array(values, pa.string()).cast(ARROW_TYPES[field.type])
    if field.type is FieldType.TIMESTAMP:
        return pa.array(values, pa.int64()).cast(ARROW_TYPES[field.type])
    return pa.array(values, ARROW_TYPES[field.type])


def parsed_types(stream: StreamDeclaration) -> dict[str, str]:
    """The columns that `parse_records` returns, in order, with their Spark SQL types."""
    types = {f.column: _DDL_TYPES[f.type] for f in stream.fields} | {
        "event_id": "string", "value_total": "decimal(38,12)", "date": "date", "month": "int", "quarter": "int",
        "day_of_week": "int", "is_weekend": "boolean", POSITION_COLUMN: "binary",
    }  # fmt: skip
    return {
        "partition": "int", "offset": "bigint", "record_timestamp": "timestamp", "key": "binary", "value": "binary",
        "outcome": "string", "reason": "string", "detail": "string", "kept": "array<string>",
        "unknown": "array<string>", "raw_id": "string", **{name: types[name] for name in stream.event_columns},
    }  # fmt: skip
