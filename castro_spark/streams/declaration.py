"""The declaration of a stream: its fields, identity, measures and targets. No I/O, no Spark."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class FieldType(Enum):
    """The types of a field of `data`; each determines the column's type in parse, staging and tables."""

    TEXT = "text"  # checked text, up to `max_length` characters
    DECIMAL = "decimal"  # exact decimal(18,6)
    TIMESTAMP = "timestamp"  # an instant: ISO-8601 with or without offset, or epoch milliseconds
    DATE = "date"  # a local calendar day: ISO-8601, or a timestamp within it


class IdentityRule(Enum):
    """What identifies a stream's events."""

    AUTO = "auto"  # the id if a record has one, else the natural key
    ID = "id"  # an id; a record without one is rejected
    NATURAL_KEY = "natural_key"  # the natural key; a record with an id is rejected


class IdentityKind(str, Enum):
    """What identifies one event."""

    ID = "id"
    NATURAL = "natural"


@dataclass(frozen=True)
class Field:
    """One field of `data`: its name in the JSON text and its column."""

    name: str
    column: str
    type: FieldType = FieldType.TEXT
    required: bool = True
    non_negative: bool = False
    max_length: int = 200


@dataclass(frozen=True)
class Measure:
    """An additional sum in the daily and monthly tables: of column `of`, over rows whose `where` is one of `among`."""

    name: str
    where: str
    among: tuple[str, ...]
    of: str = "quantity"  # or "value_total"


@dataclass(frozen=True)
class StreamDeclaration:
    """A stream from topic to tables and keys.

    Every stream has the columns event_id, product_code, quantity and timestamp. `price` names the column that is
    multiplied by quantity for value_total. `natural_key` replaces the event id if `identity` allows it. `key`: the
    fields of a record key that form the id, in order; empty: all fields, in the key's order.
    """

    name: str
    topic: str
    envelope_tables: tuple[str, ...]
    event_id_field: str
    fields: tuple[Field, ...]
    natural_key: tuple[str, ...]
    price: str
    aggregate_prefix: str
    measures: tuple[Measure, ...] = field(default=())
    identity: IdentityRule = IdentityRule.AUTO
    key: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the fields, in the order of the declaration."""
        return tuple(f.column for f in self.fields)

    @property
    def event_columns(self) -> tuple[str, ...]:
        """Every column of an event, in the order that parse, staging and tables share."""
        return ("event_id", *self.columns, "value_total", *CALENDAR_COLUMNS, POSITION_COLUMN)

    @property
    def events_table(self) -> str:
        return f"ml_{self.name}_realtime"

    @property
    def daily_table(self) -> str:
        return f"ml_{self.name}_daily"

    @property
    def monthly_table(self) -> str:
        return f"ml_{self.name}_monthly"

    @property
    def last_price(self) -> str:
        """The aggregate column that holds the newest event's price."""
        return f"last_{self.price}"

    @property
    def aggregate_columns(self) -> tuple[str, ...]:
        """The columns of the daily and monthly tables besides their key, in order."""
        return ("transactions", "volume", "value", *(m.name for m in self.measures), self.last_price)


# Derived in features/calendar; `date` is the local business day, part of the daily table's key.
CALENDAR_COLUMNS = ("date", "month", "quarter", "day_of_week", "is_weekend")
# An event's position in its source, as sortable bytes (parse/position defines the encoding).
POSITION_COLUMN = "source_position"
