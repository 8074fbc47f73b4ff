"""Why a record cannot be used, or is not for the stream: the codes that quarantine, status and docs share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(str, Enum):
    """A reason code. The comment says what each means."""

    NOT_JSON = "not_json"  # not one JSON text in UTF-8
    NOT_AN_OBJECT = "not_an_object"  # JSON, but the record, its `data` or its row is no object
    UNKNOWN_ENVELOPE = "unknown_envelope"  # no `table` and `data`, nor a known change with its source; another tool's
    MISSING_FIELD = "missing_field"  # a needed field is absent or null
    BAD_NUMBER = "bad_number"  # text, NaN, Infinity, a boolean where a number must be
    OUT_OF_RANGE = "out_of_range"  # more digits than the column holds, or a negative price
    TOO_PRECISE = "too_precise"  # more decimals than the column holds
    BAD_TIMESTAMP = "bad_timestamp"  # neither ISO-8601 nor epoch milliseconds, or no such day or hour
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"  # before 1990, or beyond now + the allowance
    BAD_TEXT = "bad_text"  # empty or over-long, control characters, lone surrogates, not a text
    TOO_LARGE = "too_large"  # the value is over the size limit
    UNAVAILABLE_VALUE = "unavailable_value"  # a column was not sent, and no earlier record has it
    DUPLICATE_KEY = "duplicate_key"  # one key twice in one object: which value is meant is unknown
    TOO_COMPLEX = "too_complex"  # nested deeper than 64, or an object of more than 1,000 members
    OTHER_SOURCE = "other_source"  # a change of another server, database or schema than the stream's
    BAD_KEY = "bad_key"  # a record key that cannot be read, or tells no row from another
    AMBIGUOUS_ID = "ambiguous_id"  # sent in two forms in one batch that become one: padded, or composed differently
    OTHER_IDENTITY = "other_identity"  # known by another kind of identity than the stream's other events


EVENT, DELETE, REJECT, SKIP = "event", "delete", "reject", "skip"  # a record's outcome


class Skip(str, Enum):
    """What a record is that is not for the stream. It is counted under this, and nothing more is made of it."""

    OTHER_TABLE = "other_table"  # counted by the table's name
    TOMBSTONE = "tombstone"  # a null value, which follows a delete
    HEARTBEAT = "heartbeat"
    TRANSACTION = "transaction"  # its begin or its end
    SCHEMA_CHANGE = "schema_change"
    MESSAGE = "message"  # what an application wrote to PostgreSQL's log


@dataclass(frozen=True)
class Skipped:
    """A record that is not for the stream; of one of another table, its name as it was sent."""

    kind: Skip
    name: str | None = None


class Unusable(Exception):
    """A record that cannot be used, with the reason and words for a person. Never leaves parse_batch."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
