"""Writes messages for other systems to castro.outbox, in the caller's transaction.

Guarantee: the messages exist if and only if that transaction commits. Repeated with the same cause, a channel gets no
second message: (cause, channel) is unique, for as long as delivered messages are retained.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID, uuid5

from castro_spark.sinks.postgres.connection import Connection, statement

WAKE = "castro_outbox"  # the NOTIFY channel: wakes deliverers early, carries nothing
MOST_BYTES = 256 * 1024
_CAUSES = UUID("6f1c1c3e-9d53-4c55-9a5e-0a4f5d0f7a11")  # the namespace of message ids
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what neither UTF-8 nor jsonb can hold


def message_id(cause: str) -> UUID:
    """The id of a message: `cause` if that is a UUID, else one derived from it. Celery's task id."""
    try:
        return UUID(cause)
    except ValueError:
        return uuid5(_CAUSES, cause)


def put(
    connection: Connection,
    kind: str,
    cause: str,
    payload: Mapping[str, object],
    channels: Sequence[str],
    *,
    series: str | None = None,
) -> list[str]:
    """Writes one message per channel; returns the channels that had none of this cause before.

    `kind`: incident, critical_product or retraining. `cause` identifies what happened: 1 to 1,000 bytes. Messages with
    the same `series` reach a channel in the order in which they were put. `payload` is plain data: decimals and times
    become texts; with a kind that Celery takes its items are the task's arguments.

    Does not commit. Who puts several causes in one transaction puts them in a fixed order, or two such transactions may
    deadlock. Raises ValueError if the payload is larger than 256 KiB.
    """
    text = json.dumps(plain(payload), ensure_ascii=False)
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"the payload of {cause} has {len(text.encode()):,} bytes; at most {MOST_BYTES:,} are sent")
    if not channels:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            statement("outbox/put.sql"),
            {
                "kind": kind, "cause": cause, "channels": sorted(set(channels)), "message_id": str(message_id(cause)),
                "series": series, "payload": text,
            },
        )  # fmt: skip
        added = [channel for (channel,) in cursor.fetchall()]
        if added:
            cursor.execute("SELECT pg_notify(%s, '')", (WAKE,))  # takes effect at the commit
    return added


def plain(value: object) -> Any:
    """The value as JSON's types, storable in jsonb: decimals, times and what else JSON lacks become texts."""
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, str) and not isinstance(value, Enum):
        return _text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _plain_other(value)


def _plain_other(value: object) -> Any:
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        items = [plain(item) for item in value]
        return sorted(items, key=str) if isinstance(value, set | frozenset) else items
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _text(str(value))


def _text(value: str) -> str:
    return _UNSTORABLE.sub("\ufffd", value)
