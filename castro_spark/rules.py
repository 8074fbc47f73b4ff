"""A stream's declaration and the rules of its parsing, as conf and clock have them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from castro_spark.errors import SettingsError
from castro_spark.parse import ParseRules
from castro_spark.settings import Settings, StreamSettings
from castro_spark.streams.declaration import FieldType, StreamDeclaration


def stream_settings(stream: StreamDeclaration, settings: Settings) -> StreamSettings:
    """What conf says of the stream; nothing where conf does not name it."""
    return settings.streams.get(stream.name, StreamSettings())


def configured(stream: StreamDeclaration, settings: Settings) -> StreamDeclaration:
    """The declaration with the topic and identity that conf gives it; SettingsError where no such columns exist."""
    conf = stream_settings(stream, settings)
    stream = replace(stream, topic=conf.topic or stream.topic)
    identity = conf.identity
    if identity is None:
        return stream
    possible = [f.column for f in stream.fields if f.type is not FieldType.DECIMAL]
    wrong = [column for column in identity if column not in possible]
    if wrong or "timestamp" not in identity:
        raise SettingsError(
            f"streams.{stream.name}.identity: {', '.join(wrong) or 'the timestamp is not among them'}",
            f"name the timestamp and others of: {', '.join(possible)}",
        )
    return replace(stream, identity=identity)


def parse_rules(stream: StreamDeclaration, settings: Settings, generation: int) -> ParseRules:
    """What the records of a batch that begins now are parsed by."""
    return ParseRules(
        stream=stream,
        timezone=settings.timezone,
        now=datetime.now(timezone.utc),
        future_allowance=settings.parse.future_allowance,
        max_bytes=settings.parse.max_record_bytes,
        generation=generation,
    )
