"""A stream's declaration and the rules of its parsing, as conf and clock have them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from castro_spark.errors import SettingsError
from castro_spark.parse import ParseRules
from castro_spark.parse.identity import Kinds
from castro_spark.settings import Settings, StreamSettings
from castro_spark.streams.declaration import FieldType, StreamDeclaration


def stream_settings(stream: StreamDeclaration, settings: Settings) -> StreamSettings:
    """What conf says of the stream; nothing where conf does not name it."""
    return settings.streams.get(stream.name, StreamSettings())


def configured(stream: StreamDeclaration, settings: Settings) -> StreamDeclaration:
    """The declaration with topic and identity as conf has them; SettingsError where no such columns exist."""
    conf = stream_settings(stream, settings)
    stream = replace(stream, topic=conf.topic or stream.topic, identity=conf.identity, key=conf.key)
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


def parse_rules(
    stream: StreamDeclaration, settings: Settings, generation: int, *, warehouse: Kinds = frozenset()
) -> ParseRules:
    """What the records of a batch that begins now are parsed by; `warehouse`: how the warehouse's rows are known."""
    return ParseRules(
        stream=stream,
        timezone=settings.timezone,
        now=datetime.now(timezone.utc),
        future_allowance=settings.parse.future_allowance,
        max_bytes=settings.parse.max_record_bytes,
        generation=generation,
        warehouse=warehouse,
    )
