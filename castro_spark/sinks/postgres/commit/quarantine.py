"""The operator's view of the quarantine: list, edit and discard its records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from castro_spark.errors import UsageError
from castro_spark.sinks.postgres.connection import Connection, statement

STATUSES = ("open", "replayed", "discarded")
_RECORDS_AT_A_TIME = 2000
_BYTES_AT_A_TIME = 32 << 20


@dataclass(frozen=True)
class Choice:
    """Which open records: those with all the given properties. `up_to`: the last id that whoever chose has seen."""

    ids: tuple[int, ...] = ()
    reason: str | None = None
    streams: tuple[str, ...] = ()
    up_to: int | None = None


@dataclass(frozen=True)
class Quarantined:
    """A rejected record with its bytes; of a value over 1 MiB, the first 1 MiB, its length and hash."""

    id: int
    stream: str
    generation: int
    partition: int
    offset: int
    record_timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    value_length: int | None
    value_sha256: str | None  # in hex
    reason: str
    detail: str | None
    status: str
    quarantined_at: datetime

    @property
    def is_cut(self) -> bool:
        """Whether the stored value is truncated."""
        return self.value_length is not None


def records(
    connection: Connection,
    *,
    status: str = "open",
    reason: str | None = None,
    ids: tuple[int, ...] = (),
    streams: tuple[str, ...] = (),
    limit: int | None = None,
) -> list[Quarantined]:
    """The records that match every given condition, oldest first. Raises UsageError for `ids` without a match."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            'SELECT id, stream, generation, partition, "offset", record_timestamp, key, value, value_length,'
            " encode(value_sha256, 'hex'), reason, detail, status, quarantined_at"
            " FROM castro.quarantine WHERE status = %(status)s"
            " AND (%(reason)s IS NULL OR reason = %(reason)s)"
            " AND (%(ids)s = '{}' OR id = ANY(%(ids)s::bigint[]))"
            " AND (%(streams)s = '{}' OR stream = ANY(%(streams)s))"
            " ORDER BY id LIMIT %(limit)s",
            {"status": status, "reason": reason, "ids": list(ids), "streams": list(streams), "limit": limit},
        )
        matches = [_quarantined(row) for row in cursor.fetchall()]
    missing = set(ids) - {q.id for q in matches}
    if missing:
        raise UsageError(
            f"no {status} record in quarantine has id {', '.join(map(str, sorted(missing)))}",
            "./spark-submit.sh quarantine list shows the open ones",
        )
    return matches


def counts(connection: Connection, stream: str) -> dict[str, int]:
    """Open records by reason."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT reason, count(*) FROM castro.quarantine WHERE stream = %s AND status = 'open'"
            " GROUP BY reason ORDER BY reason",
            (stream,),
        )
        return dict(cursor.fetchall())


def oldest(connection: Connection, stream: str, reason: str) -> Quarantined | None:
    """The oldest open record with that reason."""
    matches = records(connection, reason=reason, streams=(stream,), limit=1)
    return matches[0] if matches else None


def open_ids(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of `ids` that are open."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM castro.quarantine WHERE id = ANY(%s) AND status = 'open'", (list(ids),))
        return {number for (number,) in cursor.fetchall()}


def chosen(connection: Connection, choice: Choice) -> Iterator[list[Quarantined]]:
    """The open records of a choice, oldest first, in lists that fit into memory. A record that stays open while a list
    is worked through does not come again."""
    after = 0
    while True:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                statement("quarantine/chunk.sql"),
                {
                    **_parameters(choice), "status": "open", "after": after, "limit": _RECORDS_AT_A_TIME,
                    "bytes": _BYTES_AT_A_TIME,
                },
            )  # fmt: skip
            records = [_quarantined(row) for row in cursor.fetchall()]
        if not records:
            return
        after = records[-1].id
        yield records


def discard_chosen(connection: Connection, choice: Choice, note: str) -> int:
    """Marks the open records of a choice as discarded, some at a time; returns how many. Their bytes stay."""
    done, parameters = 0, {**_parameters(choice), "note": note, "separator": "; ", "limit": _RECORDS_AT_A_TIME}
    while True:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement("quarantine/discard.sql"), parameters)
            if not cursor.rowcount:
                return done
            done += cursor.rowcount


def _parameters(choice: Choice) -> dict[str, Any]:
    return {**vars(choice), "ids": list(choice.ids), "streams": list(choice.streams)}


def mend(connection: Connection, record_id: int, value: bytes) -> None:
    """Replaces an open record's value with corrected bytes; the note records the old value (or its length and hash)."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.quarantine SET note = concat_ws('; ', note, CASE WHEN value_length IS NULL"
            " THEN 'value was ' || encode(value, 'hex')"
            " ELSE 'value was of ' || value_length || ' bytes, SHA-256 ' || encode(value_sha256, 'hex') END),"
            " value = %s, value_length = NULL, value_sha256 = NULL WHERE id = %s AND status = 'open'",
            (value, record_id),
        )


def _quarantined(row: tuple[Any, ...]) -> Quarantined:
    id_, stream, generation, partition, offset, timestamp, key, value, *rest = row
    return Quarantined(id_, stream, generation, partition, offset, timestamp, _bytes(key), _bytes(value), *rest)


def _bytes(value: memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)
