"""What makes two records the same event: one rule a stream, by the same functions on every way in.

An event is known by its id (its own, or the fields of its source's key, joined), or by a hash of its natural key.
Native records, changes, rows of the warehouse, archived and replayed records all come through here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.texts import normal_id
from castro_spark.streams.declaration import IdentityKind, IdentityRule, StreamDeclaration

# Where conf names several sources, the source's name stands in front of each id.
NATURAL_PATTERN = "^([A-Za-z0-9_-]{1,40}:)?nk:[0-9]{11}:[0-9a-f]{32}$"
Kinds = frozenset[IdentityKind]

_is_natural = re.compile(NATURAL_PATTERN[1:-1]).fullmatch
_HASH_CHARACTERS = 32  # 128 of SHA-256's bits
_MICROSECONDS = 1_000_000
_NULL = "\\N"


def joined_id(fields: Sequence[str | None]) -> str | None:
    """The fields of a key, each in the form of an id -> one id; None where there are none, or only null and blank ones.

    One field alone is its text. Several are joined by "|", with "|" and "\\" inside them escaped by "\\" and a null as
    "\\N", so that two keys of as many fields never make one id.
    """
    normal = [None if field is None else normal_id(field) or None for field in fields]
    return joined(normal) if any(normal) else None


def joined(fields: Sequence[str | None]) -> str | None:
    """`joined_id` of fields as they are."""
    if len(fields) == 1:
        return fields[0]
    return "|".join(_NULL if f is None else f.replace("\\", "\\\\").replace("|", "\\|") for f in fields)


def natural_id(natural_key: Sequence[str], event: Mapping[str, object], micros: int) -> str:
    """The natural key's columns -> text: `nk:`, the epoch second, `:`, half of a SHA-256.

    `micros` is the event's timestamp, in microseconds. The time in front keeps the ids of one period side by
    side in the table's index, so that a batch touches few of its pages however large the table is.
    """
    # Checked texts hold no control characters, so these can neither be forged nor run together.
    parts = ("\x00" if event[column] is None else str(event[column]) for column in natural_key)
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"nk:{micros // _MICROSECONDS:011d}:{digest}"


def check_id(event_id: str, stream: StreamDeclaration, warehouse: Kinds, name: str) -> None:
    """Raises Unusable where an event of the stream is not known by an id of its own (called `name`).

    `warehouse` are the kinds of identity that the warehouse's rows have, where there are any.
    """
    if stream.identity is IdentityRule.NATURAL_KEY:
        raise Unusable(
            Reason.OTHER_IDENTITY, f"{name}: {event_id}: streams.{stream.name}.identity is natural_key, without ids"
        )
    if warehouse and IdentityKind.ID not in warehouse:
        raise Unusable(
            Reason.OTHER_IDENTITY, f"{name}: {event_id}: the warehouse's rows have no ids: it would count twice"
        )
    if "nk:" in event_id and _is_natural(event_id):
        raise Unusable(Reason.BAD_KEY, f"{name}: {event_id}: reads like the hash of a natural key")


def check_natural(stream: StreamDeclaration, warehouse: Kinds, name: str) -> None:
    """Raises Unusable where an event without id (called `name`) has no identity in the stream."""
    if stream.identity is IdentityRule.ID:
        raise Unusable(Reason.MISSING_FIELD, f"{name}: absent, and streams.{stream.name}.identity is id")
    if warehouse and IdentityKind.NATURAL not in warehouse:
        raise Unusable(
            Reason.OTHER_IDENTITY, f"{name}: absent, but the warehouse's rows have ids: it would count twice"
        )
