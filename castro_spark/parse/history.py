"""Rows of the warehouse as records: native envelopes with positions that stand before all that was ever streamed.

A row becomes the record that its source would have sent, and is parsed by what parses those, so that history is
checked, valued and dated by the same code. Its generation is -1: whatever Kafka brought, snapshots of change data
capture too, counts more, whichever came first; among rows of the warehouse the one that changed last counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.errors import SettingsError
from castro_spark.parse.fields import Reader
from castro_spark.parse.identity import joined_id, natural_id
from castro_spark.parse.reasons import DELETE, EVENT, REJECT, Unusable
from castro_spark.parse.records import SOURCE_COLUMNS, parse_batch
from castro_spark.parse.rules import ParseRules
from castro_spark.streams.declaration import Field, FieldType, IdentityKind, IdentityRule, StreamDeclaration

GENERATION = -1
HISTORY_COLUMNS = (*SOURCE_COLUMNS, "deleted")
# How each identity is known: a Kind, or null where the row tells none; and the keys of two rows that share it, or null.
CHECKED_COLUMNS = ("kind", "shared")
_PLACES = 1 << 31  # partitions are 32 bits
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
_KNOWN = "id string, identity string, kind string, row string"
_NO_IDENTITY = "\x1f"  # in front of a row's contents, where they make no identity; no identity holds it


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
    """Rows of a mapped warehouse table -> one record an identity: that of the row that changed last.

    With `concerned` (of the time that a row is about), only identities of which it is true for any row.

    In: the stream's columns (those it does not need may lack); `changed` (timestamp); the columns `key`, which make the
    id (without one, or where the stream's identity is natural_key: the natural key) and `row_key`, which tell the
    table's rows apart; and what `deleted` (Spark SQL) speaks of. Out: HISTORY_COLUMNS (partition int, of the identity's
    hash; offset bigint, the microseconds of `changed`; timestamp, of `changed`; key binary, null; value binary, a
    native envelope; deleted boolean), CHECKED_COLUMNS (strings), `identity` (string), and `happened` (timestamp): the
    event's own, or `changed` where it has none. Rows of one time are put in order by their contents. Raises
    SettingsError where a column that the stream needs is not among the rows'.
    """
    stream, there = rules.stream, set(rows.columns)
    needed = {f.column for f in stream.fields if f.required} | set(() if uses(stream, key) else stream.natural_key)
    if lacking := [column for column in stream.columns if column in needed - there]:
        raise SettingsError(
            f"streams.{stream.name}.history: the table's mapping has no column {', '.join(lacking)}",
            "name its columns as the stream's are named (warehouse.tables in the settings)",
        )
    known = known_as(rows, rules, key, row_key)
    fields = {f.name: _text(f) for f in stream.fields if f.column in there}
    told = F.struct(*(value.alias(name) for name, value in fields.items()))
    identified = rows.select(
        known.alias("known"),
        told.alias("told"),
        F.coalesce(F.unix_micros(changed), F.lit(0)).alias("offset"),
        F.col(changed).alias("timestamp"),
        F.coalesce(F.expr(deleted) if deleted else F.lit(False), F.lit(False)).alias("deleted"),
        F.coalesce("timestamp", changed).alias("happened"),
    )
    data = F.struct(F.col("known.id").alias(stream.event_id_field), "told.*")
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
    """Whether the warehouse's rows are known by the columns `key`."""
    return bool(key) and stream.identity is not IdentityRule.NATURAL_KEY


def known_as(rows: DataFrame, rules: ParseRules, key: Sequence[str], row_key: Sequence[str]) -> Column:
    """How each row is known, by the functions that know records: a struct of id (null where the natural key counts),
    identity, kind (null where it has none), and row, by which the table's rows are told apart. `key` and `row_key` as
    in history_records.
    """
    stream = rules.stream
    key = tuple(key) if uses(stream, key) else ()
    natural = [f for f in stream.fields if f.column in stream.natural_key and f.column in rows.columns]
    texts = [F.col(name).cast("string") for name in (*key, *row_key)] + [_text(field) for field in natural]

    def identify(*columns: pa.Array) -> pa.Array:
        readers = [(field, reader) for field, reader in rules.readers if field in natural]
        told = zip(*(column.to_pylist() for column in columns), strict=True)
        own, row = len(key), len(key) + len(row_key)
        known = [_known(texts[:own], texts[own:row], texts[row:], readers, rules) for texts in told]
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
    """HISTORY_COLUMNS -> parsed records (parse_records), deletes among them.

    What came out as an event or delete is told to be of partition 0, so that outcomes are counted together; a reject
    keeps its own, by which quarantine knows it.
    """
    parsed = parse_batch(batch.select(list(SOURCE_COLUMNS)), rules)
    outcome = parsed.column("outcome")
    gone = pc.and_(pc.equal(outcome, EVENT), batch.column("deleted"))
    columns = {
        "outcome": pc.if_else(gone, DELETE, outcome),
        "partition": pc.if_else(pc.equal(outcome, REJECT), parsed.column("partition"), pa.scalar(0, pa.int32())),
    }
    for name, values in columns.items():
        parsed = parsed.set_column(parsed.schema.get_field_index(name), name, values)
    yield parsed


def _text(field: Field) -> Column:
    """A column as the text by which a record would tell it."""
    if field.type is FieldType.TIMESTAMP:
        return F.date_format(field.column, _INSTANT)
    return F.col(field.column).cast("string")
