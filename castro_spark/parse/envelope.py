"""One record's bytes -> its envelope: the table it speaks of and its `data` as a map of JSON texts.

Numbers stay text from here to their decimal. Spark's JSON functions would send a float through a double on
its way to a string, so the numbers of known fields are put in quotes first. One pass of from_json then
reads the record as an array of one element, which makes what follows the object (`{} junk`) an error, and
`data` as a map, which keeps a key that stands there twice.
"""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

from castro_spark.parse.reasons import Reason
from castro_spark.streams.declaration import StreamDeclaration

ENVELOPE_SCHEMA = "array<struct<table:string,data:map<string,string>>>"
# Jackson's own leniencies: a bare NaN is let through to be called a bad number; 'single quotes' are not JSON.
_JSON_OPTIONS = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "true"}
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?=\s*[,}])"
_HIGH, _LOW = r"\\u[dD][89aAbB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"


def usable_text(value: Column, max_bytes: int) -> Column:
    """binary -> the record's text (string), or null where it is too large or not UTF-8."""
    text = value.cast("string")
    return F.when((F.octet_length(value) <= max_bytes) & F.is_valid_utf8(text), text)


def parsed_documents(text: Column, stream: StreamDeclaration) -> Column:
    """string -> array<struct<table, data>>: one element where the text is one JSON object; null if it is not
    JSON or no object."""
    names = [stream.event_id_field, *(f.name for f in stream.fields)]
    known = "|".join(re.escape(name) for name in names)
    quoted = F.regexp_replace(text, rf'("(?:{known})"\s*:\s*)({_NUMBER})', '$1"$2"')
    return F.from_json(F.concat(F.lit("["), quoted, F.lit("]")), ENVELOPE_SCHEMA, _JSON_OPTIONS)


def envelope_problem(value: Column, text: Column, documents: Column, max_bytes: int) -> Column:
    """The reason why a record holds no envelope (string), or null. `text` and `documents` as made above."""
    document = F.get(documents, F.lit(0))
    data, table = document["data"], document["table"]
    return (
        F.when(F.octet_length(value) > max_bytes, Reason.TOO_LARGE.column)
        .when(text.isNull(), Reason.NOT_JSON.column)
        .when(documents.isNull(), _not_an_object_or_not_json(text))
        .when(F.size(documents) != 1, Reason.NOT_JSON.column)
        .when(document.isNull(), Reason.NOT_AN_OBJECT.column)
        .when(table.isNull(), Reason.UNKNOWN_ENVELOPE.column)
        .when(data.isNull(), _data_problem(text))
        .when(_repeated_key(text, data), Reason.DUPLICATE_KEY.column)
    )


def not_a_text(record: Column, text: Column, name: str) -> Column:
    """Whether field `name` holds an object, an array or a boolean where a text must be (boolean).

    `text` is the field's text, where such a value looks like a text of that form; `record`, the record's
    own text, decides.
    """
    looks_so = F.coalesce(text.rlike(r"^(\{|\[|true$|false$)"), F.lit(False))
    return looks_so & record.rlike(rf'"{re.escape(name)}"\s*:\s*([\[{{]|true\b|false\b)')


def lone_surrogate(record: Column, text: Column) -> Column:
    """Whether half of a \\ud83d\\ude00 pair stands in the record (boolean): it is no character.

    In `text`, a field's, it became a question mark, so only a record with one in a field is looked into.
    """
    # An escaped backslash before it ("\\\\ud800") makes it plain letters, and whole pairs are characters.
    rest = F.regexp_replace(record, rf"\\\\|{_HIGH}{_LOW}", "")
    return (F.instr(text, "?") > 0) & rest.rlike(f"{_HIGH}|{_LOW}")


def _not_an_object_or_not_json(text: Column) -> Column:
    other_json = ~F.ltrim(text).startswith("{") & F.try_parse_json(text).isNotNull()
    return F.when(other_json, Reason.NOT_AN_OBJECT.column).otherwise(Reason.NOT_JSON.column)


def _data_problem(text: Column) -> Column:
    absent = F.get_json_object(text, "$.data").isNull()
    return F.when(absent, Reason.UNKNOWN_ENVELOPE.column).otherwise(Reason.NOT_AN_OBJECT.column)


def _repeated_key(text: Column, data: Column) -> Column:
    keys = F.map_keys(data)
    inner = F.size(keys) != F.size(F.array_distinct(keys))
    # The outer keys cost a second pass, so only where `table` or `data` stands in the text twice.
    outer_keys = F.json_object_keys(text)
    outer = F.size(outer_keys) != F.size(F.array_distinct(outer_keys))
    suspect = _twice(text, '"table"') | _twice(text, '"data"')
    return inner | F.when(suspect, outer).otherwise(F.lit(False))


def _twice(text: Column, part: str) -> Column:
    first = F.instr(text, part)
    return F.call_function("locate", F.lit(part), text, first + 1) > 0
