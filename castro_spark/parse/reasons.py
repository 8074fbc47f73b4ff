"""Why a record is rejected or skipped: the codes that quarantine, status and docs share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(str, Enum):
    """A reason code for a reject."""

    NOT_JSON = "not_json"  # not one JSON text in UTF-8
    NOT_AN_OBJECT = "not_an_object"  # JSON, but the record, its `data` or its row is no object
    UNKNOWN_ENVELOPE = "unknown_envelope"  # neither `table` and `data` nor a known change with a source; another tool's
    MISSING_FIELD = "missing_field"  # a required field is absent or null
    BAD_NUMBER = "bad_number"  # text, NaN, Infinity or a boolean instead of a number
    OUT_OF_RANGE = "out_of_range"  # more digits than the column has, or a negative price
    TOO_PRECISE = "too_precise"  # more decimals than the column has
    BAD_TIMESTAMP = "bad_timestamp"  # neither ISO-8601 nor epoch milliseconds, or no such day or hour
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"  # before 1990, or beyond now + the allowance
    BAD_TEXT = "bad_text"  # empty or over-long, control characters, lone surrogates, not a text
    TOO_LARGE = "too_large"  # the value is over the size limit
    UNAVAILABLE_VALUE = "unavailable_value"  # a column was not sent, and no earlier record has it
    DUPLICATE_KEY = "duplicate_key"  # one key twice in one object: the value is ambiguous
    TOO_COMPLEX = "too_complex"  # nested deeper than 64, or an object of more than 1,000 members
    OTHER_SOURCE = "other_source"  # a change of another server, database or schema than the stream's
    BAD_KEY = "bad_key"  # a record key that cannot be read, or does not identify rows
    AMBIGUOUS_ID = "ambiguous_id"  # two forms in one batch normalize to it: padded, or composed differently
    OTHER_IDENTITY = "other_identity"  # another kind of identity than the stream's other events


MOST_NAMES = 200  # of other tables, counted by name
OTHER_NAMES = "*"  # counts all names beyond MOST_NAMES; no table has this name
EVENT, DELETE, REJECT, SKIP = "event", "delete", "reject", "skip"  # a record's outcome


class Skip(str, Enum):
    """The kind of a record that is not for the stream. Such records are only counted, by kind."""

    OTHER_TABLE = "other_table"  # counted by the table's name
    TOMBSTONE = "tombstone"  # a null value, which follows a delete
    HEARTBEAT = "heartbeat"
    TRANSACTION = "transaction"  # its begin or its end
    SCHEMA_CHANGE = "schema_change"
    MESSAGE = "message"  # a logical decoding message (pg_logical_emit_message)
    LOST = "lost"  # no record: an offset that left the topic unread, which an operator accepted (--accept-lost-records)


@dataclass(frozen=True)
class Skipped:
    """A record that is not for the stream; `name`: the other table's name as sent."""

    kind: Skip
    name: str | None = None


class Unusable(Exception):
    """A record is rejected, with its reason and a detail for people. Never leaves parse_batch."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
