"""Derives a stream's effective declaration and parse rules from its declaration, the settings and the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from castro_spark.errors import SettingsError
from castro_spark.parse.envelope import ForeignMarks
from castro_spark.parse.identity import Kinds
from castro_spark.parse.origin import Source, is_no_name, is_pattern
from castro_spark.parse.rules import WAREHOUSE_GENERATION, ParseRules
from castro_spark.sections.streams import StreamSettings
from castro_spark.settings import Settings
from castro_spark.streams.declaration import FieldType, StreamDeclaration


def stream_settings(stream: StreamDeclaration, settings: Settings) -> StreamSettings:
    """The settings of the stream; the defaults if it has none."""
    return settings.streams.get(stream.name, StreamSettings())


def configured(stream: StreamDeclaration, settings: Settings) -> StreamDeclaration:
    """The declaration with topic, tables and identity from the settings.

    Raises SettingsError if a natural-key column does not exist, or a table name or pattern is invalid.
    """
    conf = stream_settings(stream, settings)
    if wrong := [name for name in conf.tables if is_no_name(name)]:
        raise SettingsError(
            f"streams.{stream.name}.tables: {', '.join(map(repr, wrong))}: neither a table's name nor a pattern",
            "write patterns as in a shell: * stands for any characters, ? for one, [0-9] for one of these",
        )
    tables = (*stream.envelope_tables, *(name for name in conf.tables if name not in stream.envelope_tables))
    topic = conf.topic or stream.topic
    stream = replace(stream, topic=topic, envelope_tables=tables, identity=conf.identity, key=conf.key)
    if conf.natural_key is None:
        return stream
    possible = [f.column for f in stream.fields if f.type is not FieldType.DECIMAL]
    wrong = [column for column in conf.natural_key if column not in possible]
    if wrong or "timestamp" not in conf.natural_key:
        raise SettingsError(
            f"streams.{stream.name}.natural_key: {', '.join(wrong) or 'the timestamp is not among them'}",
            f"name the timestamp and others of: {', '.join(possible)}",
        )
    return replace(stream, natural_key=conf.natural_key)


def named_sources(stream: StreamDeclaration, settings: Settings) -> tuple[Source, ...]:
    """The sources whose changes the stream accepts, from the settings."""
    named = stream_settings(stream, settings).sources
    return tuple(Source(s.server, s.database, s.schema_, label) for label, s in named.items())


def parse_rules(
    stream: StreamDeclaration,
    settings: Settings,
    generation: int,
    *,
    warehouse: Kinds = frozenset(),
    source: Source | None = None,
) -> ParseRules:
    """The parse rules of a batch that starts now; `warehouse`: the warehouse rows' kinds of identity.

    `source` is the source that the stream's first change fixed (in the ledger). It applies if the settings name no
    sources. Its schema is compared unless a table pattern may match tables of other schemas.
    """
    if source is not None and any(is_pattern(name) for name in stream.envelope_tables):
        source = source.without_schema()
    parse, history = settings.parse, settings.history(stream.name)
    return ParseRules(
        stream=stream,
        timezone=settings.timezone,
        now=datetime.now(timezone.utc),
        future_allowance=parse.future_allowance,
        max_bytes=parse.max_record_bytes,
        generation=generation,
        warehouse=warehouse,
        sources=named_sources(stream, settings) or ((source,) if source else ()),
        foreign=ForeignMarks(parse.foreign_members, parse.operation_members, parse.operations),
        none_dates=parse.none_dates,
        date_allowance_years=parse.date_allowance_years,
        source_label=(history.source or "") if history and generation == WAREHOUSE_GENERATION else "",
    )
