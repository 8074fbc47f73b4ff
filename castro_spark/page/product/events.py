"""A product's newest events of every stream, in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg2 import sql

from castro_spark.page.reading.database import Snapshot
from castro_spark.sinks.postgres.connection import names
from castro_spark.streams.declaration import StreamDeclaration

_MEASURED = ("product_code", "quantity", "timestamp")


@dataclass(frozen=True)
class Event:
    """An event of a stream: when it was, how much, and `details`: its other fields that are there, by column.

    `written_at`: its row's last change; `corrected`: it has changed since the event arrived first.
    """

    stream: str
    event_id: str
    at: datetime
    quantity: Decimal
    price: Decimal  # or cost, of a unit
    value_total: Decimal
    details: dict[str, Any]
    written_at: datetime
    corrected: bool


def newest_events(snapshot: Snapshot, streams: Sequence[StreamDeclaration], code: str, most: int) -> list[Event]:
    """At most `most` events of all streams together, the newest first, those of tomorrow included."""
    found = [event for stream in streams for event in _of_stream(snapshot, stream, code, most)]
    return sorted(found, key=lambda event: event.at, reverse=True)[:most]


def _of_stream(snapshot: Snapshot, stream: StreamDeclaration, code: str, most: int) -> list[Event]:
    rows = snapshot.rows(
        "page/product_events.sql", {"product": code, "most": most},
        columns=names(("event_id", *stream.columns, "value_total")), events=sql.Identifier(stream.events_table),
    )  # fmt: skip
    return [_event(stream, row) for row in rows]


def _event(stream: StreamDeclaration, row: Mapping[str, Any]) -> Event:
    shown_apart = {*_MEASURED, stream.price}
    return Event(
        stream.name, row["event_id"], row["timestamp"], row["quantity"], row[stream.price], row["value_total"],
        {column: row[column] for column in stream.columns if column not in shown_apart and row[column] is not None},
        row["updated_at"], row["updated_at"] > row["created_at"],
    )  # fmt: skip
