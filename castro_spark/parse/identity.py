"""What makes two records the same event: one rule per stream, applied by the same functions to every input.

An event is identified by its id (its own, or the joined fields of its source's key), or by a hash of its natural key.
Native records, changes, warehouse rows, archived and replayed records all use these functions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from castro_spark.parse.reasons import Reason, Unusable
from castro_spark.parse.values.texts import normal_id
from castro_spark.streams.declaration import IdentityKind, IdentityRule, StreamDeclaration

# If conf names several sources, each id is prefixed by its source's name.
NATURAL_PATTERN = "^([A-Za-z0-9_-]{1,40}:)?nk:[0-9]{11}:[0-9a-f]{32}$"
Kinds = frozenset[IdentityKind]

LONGEST_ID = 200  # characters

_is_natural = re.compile(NATURAL_PATTERN[1:-1]).fullmatch
_HASH_CHARACTERS = 32  # 128 of SHA-256's bits
_MICROSECONDS = 1_000_000
# Between a natural key's columns, and for a null: unambiguous, because validated texts have no control characters.
NATURAL_SEPARATOR, NATURAL_NULL = "\x1f", "\x00"
_NULL = "\\N"


def joined_id(fields: Sequence[str | None]) -> str | None:
    """The fields of a key, each normalized as an id -> one id; None if there are none, or only null and blank ones.

    A single field is its text. Several are joined by "|", with "|" and "\\" inside them escaped by "\\" and a null as
    "\\N", so that two different keys with the same number of fields never yield the same id.
    """
    normal = [None if field is None else normal_id(field) or None for field in fields]
    return joined(normal) if any(normal) else None


def joined(fields: Sequence[str | None]) -> str | None:
    """`joined_id` without normalization."""
    if len(fields) == 1:
        return fields[0]
    return "|".join(_NULL if f is None else f.replace("\\", "\\\\").replace("|", "\\|") for f in fields)


def natural_id(natural_key: Sequence[str], event: Mapping[str, object], micros: int) -> str:
    """The natural key's columns -> text: `nk:`, the epoch second, `:`, half of a SHA-256.

    `micros` is the event's timestamp, in microseconds. The leading time keeps the ids of one period adjacent in the
    table's index, so that a batch touches few of its pages, however large the table is.
    """
    parts = (NATURAL_NULL if event[column] is None else str(event[column]) for column in natural_key)
    return hashed_id(NATURAL_SEPARATOR.join(parts), micros)


def hashed_id(joined_key: str, micros: int) -> str:
    """`natural_id` of the key's columns as one text."""
    digest = hashlib.sha256(joined_key.encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"nk:{micros // _MICROSECONDS:011d}:{digest}"


def check_id(event_id: str, stream: StreamDeclaration, warehouse: Kinds, name: str) -> None:
    """Raises Unusable if the stream does not accept an event with its own id (in the field `name`).

    `warehouse`: the kinds of identity of the warehouse's rows, if there are any.
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
    """Raises Unusable if the stream does not accept an event without an id (in the field `name`)."""
    if stream.identity is IdentityRule.ID:
        raise Unusable(Reason.MISSING_FIELD, f"{name}: absent, and streams.{stream.name}.identity is id")
    if warehouse and IdentityKind.NATURAL not in warehouse:
        raise Unusable(
            Reason.OTHER_IDENTITY, f"{name}: absent, but the warehouse's rows have ids: it would count twice"
        )
