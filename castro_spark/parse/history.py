"""Rows of the warehouse as records: native envelopes with positions below those of all streamed records.

A row becomes the record that its source would have sent and goes through the same parser, so that the same code
validates, values and dates it. Its generation is -1: streamed records, CDC snapshots included, always take precedence,
whichever arrived first. Among warehouse rows the one that changed last counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.errors import SettingsError
from castro_spark.parse.identity import joined_id, natural_id
from castro_spark.parse.reasons import DELETE, EVENT, REJECT, Unusable
from castro_spark.parse.records import SOURCE_COLUMNS, parse_batch
from castro_spark.parse.rules import WAREHOUSE_GENERATION, ParseRules
from castro_spark.parse.values.fields import Reader
from castro_spark.streams.declaration import Field, FieldType, IdentityKind, IdentityRule, StreamDeclaration

GENERATION = WAREHOUSE_GENERATION
HISTORY_COLUMNS = (*SOURCE_COLUMNS, "deleted")
# Of each identity: its kind, null if the row has none; and the keys of two rows that share it, or null.
CHECKED_COLUMNS = ("kind", "shared")
_PLACES = 1 << 31  # partitions are 32 bits
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
_KNOWN = "id string, identity string, kind string, row string"
_NO_IDENTITY = "\x1f"  # prefix of a row's contents that yield no identity; no identity contains it


def history_records(
    rows: DataFrame,
    rules: ParseRules,
    *,
    changed: str,
    key: Sequence[str],
    row_key: Sequence[str],
    deleted: str | None,
    concerned: Callable[[Column], Column] | None = None,
) -> DataFrame:
    """Rows of a mapped warehouse table -> one record per identity: the row that changed last.

    With `concerned` (a predicate on the event's time), only identities with any row that satisfies it.

    In: the stream's columns (optional ones may be missing); `changed` (timestamp); the columns `key`, which form the id
    (without any, or if the stream's identity is natural_key: the natural key), and `row_key`, which identify the
    table's rows; and the columns in `deleted` (Spark SQL). Out: HISTORY_COLUMNS (partition int, a hash of the identity;
    offset bigint, the microseconds of `changed`; timestamp, of `changed`; key binary, null; value binary, a native
    envelope; deleted boolean), CHECKED_COLUMNS (strings), `identity` (string), and `happened` (timestamp): the event's
    own time, or `changed` without one. Rows with the same time are ordered by their contents. Raises SettingsError if
    the rows lack a column that the stream requires.
    """
    stream, available = rules.stream, set(rows.columns)
    required = {f.column for f in stream.fields if f.required} | set(() if uses(stream, key) else stream.natural_key)
    if missing := [column for column in stream.columns if column in required - available]:
        raise SettingsError(
            f"streams.{stream.name}.history: the table's mapping has no column {', '.join(missing)}",
            "name its columns as the stream's are named (warehouse.tables in the settings)",
        )
    known = known_as(rows, rules, key, row_key)
    fields = {f.name: _text(f) for f in stream.fields if f.column in available}
    content = F.struct(*(value.alias(name) for name, value in fields.items()))
    identified = rows.select(
        known.alias("known"),
        content.alias("content"),
        F.coalesce(F.unix_micros(changed), F.lit(0)).alias("offset"),
        F.col(changed).alias("timestamp"),
        F.coalesce(F.expr(deleted) if deleted else F.lit(False), F.lit(False)).alias("deleted"),
        F.coalesce("timestamp", changed).alias("happened"),
    )
    data = F.struct(F.col("known.id").alias(stream.event_id_field), "content.*")
    records = identified.select(
        F.to_json(F.struct(F.lit(stream.envelope_tables[0]).alias("table"), data.alias("data"))).alias("value"),
        "known.identity", "known.kind", "known.row", "offset", "timestamp", "deleted", "happened",
    )  # fmt: skip
    order = F.struct("offset", "deleted", "value")
    wanted = concerned(F.col("happened")) if concerned else F.lit(True)
    shared = F.when(F.min("row") != F.max("row"), F.concat_ws(" and ", F.min("row"), F.max("row")))
    newest = (
        records.groupBy("identity")
        .agg(F.max_by(F.struct("*"), order).alias("newest"), F.bool_or(wanted).alias("wanted"), shared.alias("shared"))
        .where("wanted")
        .select("newest.*", "shared")
    )
    return newest.select(
        F.pmod(F.xxhash64("identity"), F.lit(_PLACES)).cast("int").alias("partition"),
        "offset",
        "timestamp",
        F.lit(None).cast("binary").alias("key"),
        F.col("value").cast("binary").alias("value"),
        "deleted",
        *CHECKED_COLUMNS,
        "identity",
        "happened",
    )


def uses(stream: StreamDeclaration, key: Sequence[str]) -> bool:
    """Whether the columns `key` identify the warehouse's rows."""
    return bool(key) and stream.identity is not IdentityRule.NATURAL_KEY


def known_as(rows: DataFrame, rules: ParseRules, key: Sequence[str], row_key: Sequence[str]) -> Column:
    """Each row's identity, by the same functions as for records: a struct of id (null if the natural key applies),
    identity, kind (null without an identity), and row (the row's key). `key` and `row_key` as in history_records.
    """
    stream = rules.stream
    key = tuple(key) if uses(stream, key) else ()
    natural = [f for f in stream.fields if f.column in stream.natural_key and f.column in rows.columns]
    texts = [F.col(name).cast("string") for name in (*key, *row_key)] + [_text(field) for field in natural]

    def identify(*columns: pa.Array) -> pa.Array:
        readers = [(field, reader) for field, reader in rules.readers if field in natural]
        rows_of_texts = zip(*(column.to_pylist() for column in columns), strict=True)
        own, row = len(key), len(key) + len(row_key)
        known = [_known(texts[:own], texts[own:row], texts[row:], readers, rules) for texts in rows_of_texts]
        return pa.array(known, pa.struct([(name, pa.string()) for name in ("id", "identity", "kind", "row")]))

    of_texts: Callable[..., Column] = F.arrow_udf(identify, _KNOWN)  # type: ignore[attr-defined]  # the stub lacks it
    return of_texts(*texts)


def _known(
    key: tuple[str | None, ...],
    row_key: tuple[str | None, ...],
    natural: tuple[str | None, ...],
    readers: Sequence[tuple[Field, Reader]],
    rules: ParseRules,
) -> dict[str, str | None]:
    own, row, stream = joined_id(key), joined_id(row_key), rules.stream
    if own is not None:
        return {"id": own, "identity": rules.of_source(own), "kind": IdentityKind.ID.value, "row": row}
    event: dict[str, object] = dict.fromkeys(stream.natural_key)
    try:
        for text, (field, reader) in zip(natural, readers, strict=True):
            event[field.column] = reader(text) if text is not None or field.required else None
    except Unusable:
        return {"id": None, "identity": _NO_IDENTITY + json.dumps([row, natural]), "kind": None, "row": row}
    micros = event["timestamp"]
    assert isinstance(micros, int)
    identity = rules.of_source(natural_id(stream.natural_key, event, micros))
    return {"id": None, "identity": identity, "kind": IdentityKind.NATURAL.value, "row": row}


def parse_history(batch: pa.RecordBatch, rules: ParseRules) -> Iterator[pa.RecordBatch]:
    """HISTORY_COLUMNS -> parsed records (parse_records), including deletes.

    Events and deletes get partition 0, so that their outcomes are counted together. A reject retains its partition,
    which identifies it in quarantine.
    """
    parsed = parse_batch(batch.select(list(SOURCE_COLUMNS)), rules)
    outcome = parsed.column("outcome")
    is_delete = pc.and_(pc.equal(outcome, EVENT), batch.column("deleted"))
    columns = {
        "outcome": pc.if_else(is_delete, DELETE, outcome),
        "partition": pc.if_else(pc.equal(outcome, REJECT), parsed.column("partition"), pa.scalar(0, pa.int32())),
    }
    for name, values in columns.items():
        parsed = parsed.set_column(parsed.schema.get_field_index(name), name, values)
    yield parsed


def _text(field: Field) -> Column:
    """A column as the text that a record would have."""
    if field.type is FieldType.TIMESTAMP:
        return F.date_format(field.column, _INSTANT)
    return F.col(field.column).cast("string")
