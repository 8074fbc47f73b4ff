"""docs/reference/tables.md: every table and column as `migrate` makes them, in the words of sql/postgres."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from castro_spark.page.product import glossary
from castro_spark.resources import resource
from castro_spark.sections.warehouse import LOADED_AT, WarehouseSettings
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.schema.stream_tables import migration_parts
from castro_spark.streams import all_streams
from castro_spark.streams.declaration import StreamDeclaration
from tools.docs import markdown

_INTRODUCTION = """\
Every column that `./spark-submit.sh migrate` makes. [Data](../data.md) tells what the tables are for, in which
order rows change, and how long they are kept. Of the streams' tables those of inventory are shown: sales and
procurement have the same ones, with the fields of their own declarations. Consumers read the tables of the
schema `public` (`postgres.schema`); those of the schema castro are the jobs' own, and change without notice."""
_COLUMNS = (Path(__file__).parent / "columns.sql").read_text("utf-8")
_TYPES = {"timestamp with time zone": "timestamptz", "double precision": "float8"}
# The working tables of a commit, an extract or a reconciliation, which are empty between two of them.
_WORKING = re.compile(r"^(staged|rejects|reconcile)_|_(plan|rows)$")
_TABLE = re.compile(r"(?:CREATE(?: UNLOGGED)?|ALTER) TABLE (?P<name>\S+)(?P<column>.*)")
_COLUMN = re.compile(r"\s*(?:ADD COLUMN )?\"?(?P<name>[a-z][a-z_0-9]*)\"? +[a-z]")
_COMMON = {
    "created_at": "when the row was inserted",
    "updated_at": "when the row was last written",
    "product_code": "the product",
    "stream": "the stream's name",
    "month": "of the local day",
    "quarter": "of the local day",
    "is_weekend": "Saturday or Sunday",
}


@dataclass(frozen=True)
class Column:
    """A column as the catalog has it; `key`: its place in the primary key, or -1; `values`: all that it may have."""

    name: str
    type: str
    required: bool
    key: int
    values: tuple[str, ...]


def page(connection: Connection, warehouse: WarehouseSettings) -> str:
    """The page, of a database that `migrate` has made with the settings of conf/base.yaml."""
    tables = _tables(connection)
    about, words = _comments(next(iter(all_streams().values())))
    parts = [_INTRODUCTION]
    for schema, title in (("public", "For consumers"), ("castro", "Of the jobs")):
        parts.append(f"## {title}")
        for (where, name), columns in tables.items():
            if (where == "public") != (schema == "public"):
                continue
            full = name if schema == "public" else f"{where}.{name}"
            parts.append(f"### {full}")
            told = about.get(full, "") or _of_warehouse(full, warehouse)
            parts.append(told)
            column_words = {**_COMMON, **_of_day(full, words), **words.get(full, {}), **_more_words(full, warehouse)}
            parts.append(markdown.table(["column", "type", "meaning"], _rows(columns, column_words)))
    return markdown.page("Tables", *parts)


def _tables(connection: Connection) -> dict[tuple[str, str], list[Column]]:
    found: dict[tuple[str, str], list[Column]] = {}
    with connection, connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for schema, table, name, kind, required, key, check in cursor.fetchall():
            if _is_described(table):
                values = tuple(re.findall(r"'([^']*)'::text", check)) if "ANY (ARRAY[" in (check or "") else ()
                column = Column(name, _TYPES.get(kind, kind), required, key, values)
                found.setdefault((schema, table), []).append(column)
    return found


def _is_described(table: str) -> bool:
    others = list(all_streams().values())[1:]  # described for the first stream
    twice = {t for s in others for t in (s.events_table, s.daily_table, s.monthly_table)}
    return table not in twice and not _WORKING.search(table)


def _rows(columns: list[Column], words: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for column in columns:
        null = "" if column.required or column.key >= 0 else ", null"
        key = " **key**" if column.key >= 0 else ""
        told = [markdown.fragment(words.get(column.name, "")), ", ".join(column.values)]
        yield f"{markdown.code(column.name)}{key}", f"{column.type}{null}", ": ".join(filter(None, told))


def _comments(stream: StreamDeclaration) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What sql/postgres says above each table, and behind each column."""
    names = {part: _plain(text) for part, text in migration_parts(stream).items()}
    about: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    for file in sorted(resource("sql/postgres").glob("*.sql")):
        text = re.sub(r"\{(\w+)\}", lambda m: names.get(m[1]) or m[0], file.read_text("utf-8"))
        table, column, above = "", "", ""
        for line in text.splitlines():
            code, _, comment = (part.strip() for part in line.partition("--"))
            if not code:  # a comment above a table, or the next line of a column's
                above = f"{above} {comment}".strip() if comment else ""
                if comment and column:
                    words[table][column] += f" {comment}"
                continue
            if begins := _TABLE.match(code):
                table = begins["name"]
                words.setdefault(table, {})
                if code.startswith("CREATE"):
                    about[table] = above
                else:
                    code, comment = begins["column"], comment or above
            named = _COLUMN.match(code) if table else None
            column = named["name"] if named and comment else ""
            if column:
                words[table][column] = comment
            if code.startswith(")") or code.endswith(";"):
                table, column = "", ""
            above = ""
    return about, words


def _of_day(table: str, words: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """A monthly table has the columns of the daily one."""
    return words.get(table.replace("_monthly", "_daily"), {}) if table.endswith("_monthly") else {}


def _plain(part: Any) -> str:
    return ".".join(part.strings) if hasattr(part, "strings") else ""


def _of_warehouse(table: str, warehouse: WarehouseSettings) -> str:
    mapping = warehouse.mapped.get(table)
    return f"{mapping.source}, by `extract`; the columns are those of `warehouse.tables.{table}`." if mapping else ""


def _more_words(table: str, warehouse: WarehouseSettings) -> dict[str, str]:
    """The words for columns that no file of sql/ names: those of a declaration, of the mapping, and of the view."""
    if table == "ml_product_360":
        return {name: term.meaning.rstrip(".") for name, term in glossary.terms("en").items()}
    if mapping := warehouse.mapped.get(table):
        told = {name: f"`{c.source}`" if c.source else f"`{c.sql}`" for name, c in mapping.columns.items()}
        return {**told, LOADED_AT: "when the row was written"}
    stream = next(iter(all_streams().values()))
    if table == stream.events_table:
        fields = {f.column: f"`{f.name}`" for f in stream.fields}
        return {"event_id": f"`{stream.event_id_field}`, the record key's fields, or the natural key's hash", **fields}
    if table in {stream.daily_table, stream.monthly_table}:
        of = {m.name: f"sum of {m.of} where {m.where} is {', '.join(m.among)}" for m in stream.measures}
        return {**of, "transactions": "count of events", "volume": "sum of quantity", "value": "sum of value_total"}
    return {}
