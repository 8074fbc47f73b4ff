"""The rules for parsing a batch: the stream's declaration with conf and clock, and the field readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from castro_spark.parse.envelope import NO_MARKS, Change, ForeignMarks
from castro_spark.parse.identity import LONGEST_ID, Kinds
from castro_spark.parse.origin import Source, Sources, Tables, is_pattern, sourced_id
from castro_spark.parse.values.fields import (
    Reader,
    date_reader,
    decimal_reader,
    optional,
    text_reader,
    timestamp_reader,
)
from castro_spark.parse.values.texts import normal_id, normal_name
from castro_spark.streams.declaration import Field, FieldType, StreamDeclaration

WAREHOUSE_GENERATION = -1  # of the warehouse's rows: below those of all topics
_DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class ParseRules:
    """The rules for parsing a batch: the stream, and parameters from conf and clock.

    `now`: the reference for timestamps in the future; `generation`: of the topic, incremented when it is recreated;
    `sources`: whose changes are taken, any while empty; `none_dates`: values of optional dates that mean "none".
    """

    stream: StreamDeclaration
    timezone: str
    now: datetime
    future_allowance: timedelta
    max_bytes: int
    generation: int
    warehouse: Kinds = frozenset()  # kinds of identity of the warehouse's rows; others are rejected; empty: no rows
    sources: tuple[Source, ...] = ()
    foreign: ForeignMarks = NO_MARKS
    none_dates: frozenset[str] = frozenset()
    date_allowance_years: float = 10
    source_label: str = ""  # of warehouse rows, if conf names several sources: their source's name

    @property
    def latest_time(self) -> datetime:
        """The latest accepted timestamp."""
        return self.now + self.future_allowance

    @property
    def latest_date(self) -> datetime:
        """The latest accepted optional date, which may be in the future (an expected delivery)."""
        return self.now + timedelta(days=self.date_allowance_years * _DAYS_A_YEAR)

    @cached_property
    def tables(self) -> Tables:
        """The tables whose records are the stream's."""
        return Tables(self.stream.envelope_tables)

    @cached_property
    def known_sources(self) -> Sources:
        """Whose changes are taken."""
        return Sources(self.sources)

    def source_of(self, change: Change) -> Source:
        """The source of a change: from `sources`; while these are empty, the source that this change would fix.

        The schema is part of it unless a pattern takes tables of other schemas.
        """
        if self.sources:
            known = self.known_sources.of(change.source)
            assert known is not None, "callers check not_taken first"
            return known
        named = Source.of(change.source)
        return named.without_schema() if self._takes_patterns else named

    def of_source(self, identity: str) -> str:
        """The identity of a warehouse row or a native record, which carry no source."""
        return sourced_id(self.source_label, identity) if self.source_label else identity

    @cached_property
    def _takes_patterns(self) -> bool:
        return any(is_pattern(name) for name in self.stream.envelope_tables)

    @cached_property
    def readers(self) -> tuple[tuple[Field, Reader], ...]:
        """Each field and its reader; the event id first, so that a bad id is the reported reason."""
        id_field = Field(self.stream.event_id_field, "event_id", required=False, max_length=LONGEST_ID)
        zone = ZoneInfo(self.timezone)
        timestamp = timestamp_reader(zone, self.latest_time)
        date = date_reader(zone, self.latest_date)

        def reader(field: Field) -> Reader:
            if field.type is FieldType.TEXT:
                normal = normal_id if field is id_field else normal_name
                return text_reader(required=field.required, max_length=field.max_length, normal=normal)
            if field.type is FieldType.DECIMAL:
                read, none = decimal_reader(non_negative=field.non_negative), frozenset[str]()
            else:
                read, none = timestamp if field.type is FieldType.TIMESTAMP else date, self.none_dates
            return read if field.required else optional(read, none)

        return tuple((field, reader(field)) for field in (id_field, *self.stream.fields))

    @cached_property
    def known(self) -> frozenset[str]:
        """The names of all fields; others in `data` are reported and otherwise ignored."""
        return frozenset(field.name for field, _ in self.readers)

    @cached_property
    def fields(self) -> tuple[tuple[str, bool, Reader], ...]:
        """`readers` for native records, as (name, required, reader)."""
        return tuple((field.name, field.required, reader) for field, reader in self.readers)
