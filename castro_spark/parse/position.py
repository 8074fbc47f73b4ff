"""A record's position in its source as one sortable value: for one identity, the greatest position counts.

    bytes 0-3    class (4 bits), then the topic's generation (28 bits)
    bytes 4-31   the place in the source's log, then as much of a hash of the event's id as fits

The class decides first: warehouse rows sort below snapshot rows, and these below changes. Then the generation: the
records of a recreated topic are newer than all earlier ones. Then the place in the log, never a clock; without one,
the Kafka partition and offset. The hash orders different events of one place (a snapshot's rows share theirs, and so do
the rows of a PostgreSQL COPY); without it any of them could be a product's newest. Values of equal width compare as
bytes, in Python, Arrow, Spark and PostgreSQL (bytea) alike. Places are comparable within one log only: an identity
comes from one connector, or from native records, not from both. The logs of Oracle and SQL Server were tested with
literal records only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import pyarrow as pa

from castro_spark.parse.reasons import Reason, Unusable

WIDTH = 32
_PLACE = WIDTH - 4
_CLASS_SHIFT = 28
_SIGN = 1 << 63  # offsets are signed (microseconds before 1970): with this bit flipped they sort as unsigned

_WHOLE = re.compile(r"[0-9]{1,19}").fullmatch
_BIGINT = (1 << 63) - 1
_SEQUENCE = re.compile(r'\[ *(?:null|"(?P<commit>[0-9]{1,19})") *, *"(?P<lsn>[0-9]{1,19})" *\]').fullmatch
_BINLOG = re.compile(r".*\.(?P<number>[0-9]{1,18})").fullmatch
_SQL_SERVER_LSN = re.compile(r"([0-9a-fA-F]{8}):([0-9a-fA-F]{8}):([0-9a-fA-F]{4})").fullmatch
_ORACLE_SCN = re.compile(r"([0-9]{1,19})(?:[:,].*)?").fullmatch
_ORACLE_RS_ID = re.compile(r" *0x([0-9a-fA-F]{1,6})\.([0-9a-fA-F]{1,8})\.([0-9a-fA-F]{1,4}) *").fullmatch
_MOST_ROWS = (1 << 32) - 1
_MOST_SERIAL = (1 << 64) - 1
_MOST_SSN = (1 << 24) - 1


class PositionClass(IntEnum):
    """The kind of source of a record; the greater one takes precedence."""

    WAREHOUSE = 0
    SNAPSHOT = 1
    CHANGE = 2


def kafka_positions(
    class_: PositionClass, generation: int, partitions: pa.Array, offsets: pa.Array
) -> pa.Array:
    """Positions (binary) of records whose place is their partition (int32) and offset (int64), vectorized."""
    values = np.zeros((len(offsets), WIDTH), np.uint8)
    values[:, :4] = np.frombuffer(_head(class_, generation), np.uint8)
    values[:, 4:8] = _big_endian(partitions.to_numpy(zero_copy_only=False).astype(">i4"), 4)
    signed = offsets.to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64) ^ np.uint64(_SIGN)
    values[:, 8:16] = _big_endian(signed.astype(">u8"), 8)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(WIDTH), len(values), [None, pa.py_buffer(values.tobytes())])
    return fixed.cast(pa.binary())


def change_position(
    source: Mapping[str, object], event_id: str, generation: int, partition: int, offset: int, *, snapshot: bool
) -> bytes:
    """The position of a Debezium change of the event `event_id`, from its `source`; the same if it is sent again.

    PostgreSQL: last commit's LSN and LSN, from `sequence`, which grows even if transactions interleave, unlike the LSN
    alone; the LSN, from connectors too old to send `sequence`. MySQL, MariaDB: number of the binlog file, place in it,
    row. SQL Server, Db2: commit_lsn, change_lsn, event_serial_no. Oracle: commit_scn, scn, then rs_id and ssn, or the
    Kafka offset if LogMiner did not report them. Others: the Kafka partition and offset. `snapshot`, or
    source.snapshot: a row of a snapshot.
    """
    reading = snapshot or source.get("snapshot") not in (None, False, "false")
    class_ = PositionClass.SNAPSHOT if reading else PositionClass.CHANGE
    place = _postgres(source) or _mysql(source) or _sql_server(source) or _oracle(source, offset)
    if place is None:
        place = _bytes((partition, 4), (offset ^ _SIGN, 8)).ljust(_PLACE, b"\0")
    elif (left := _PLACE - len(place)) > 0:
        place += hashlib.sha256(event_id.encode()).digest()[:left]
    return _head(class_, generation) + place


def _head(class_: PositionClass, generation: int) -> bytes:
    if not 0 <= generation < 1 << _CLASS_SHIFT:
        raise Unusable(Reason.OUT_OF_RANGE, f"generation {generation}")
    return (class_ << _CLASS_SHIFT | generation).to_bytes(4, "big")


def _postgres(source: Mapping[str, object]) -> bytes | None:
    sequence = source.get("sequence")
    parts = _SEQUENCE(sequence) if isinstance(sequence, str) else None
    if parts is not None:
        commit, lsn = _whole(parts["commit"] or "0"), _whole(parts["lsn"])
        if commit is not None and lsn is not None:
            return _bytes((commit, 8), (lsn, 8))
    lsn = _whole(source.get("lsn"))
    return None if lsn is None else _bytes((lsn, 8))


def _mysql(source: Mapping[str, object]) -> bytes | None:
    file, place = source.get("file"), _whole(source.get("pos"))
    parts = _BINLOG(file) if isinstance(file, str) else None
    if parts is None or place is None:
        return None
    return _bytes((int(parts["number"]), 8), (place, 8), (min(_whole(source.get("row")) or 0, _MOST_ROWS), 4))


def _sql_server(source: Mapping[str, object]) -> bytes | None:
    commit, change = (_lsn(source.get(name)) for name in ("commit_lsn", "change_lsn"))
    if commit is None:
        return None
    if change is None:  # a snapshot's row
        return commit
    serial = min(_whole(source.get("event_serial_no")) or 0, _MOST_SERIAL)
    return commit + change + _bytes((serial, 8))


def _lsn(value: object) -> bytes | None:
    parts = _SQL_SERVER_LSN(value) if isinstance(value, str) else None
    return bytes.fromhex("".join(parts.groups())) if parts else None


def _oracle(source: Mapping[str, object], offset: int) -> bytes | None:
    commit, scn = (_scn(source.get(name)) for name in ("commit_scn", "scn"))
    if scn is None:
        return None
    rs_id = source.get("rs_id")
    parts = _ORACLE_RS_ID(rs_id) if isinstance(rs_id, str) else None
    if parts:
        thread, block, row = (int(part, 16) for part in parts.groups())
        ssn = min(_whole(source.get("ssn")) or 0, _MOST_SSN)
        within = _bytes((thread, 3), (block, 4), (row, 2), (ssn, 3))
    else:
        within = _bytes((offset ^ _SIGN, 8))
    return _bytes((scn if commit is None else commit, 8), (scn, 8)) + within


def _scn(value: object) -> int | None:
    parts = _ORACLE_SCN(value) if isinstance(value, str) else None
    return _whole(parts[1]) if parts else None


def _whole(value: object) -> int | None:
    """A log number's text as an int; None if it is no number or exceeds a bigint."""
    if not isinstance(value, str) or not _WHOLE(value) or int(value) > _BIGINT:
        return None
    return int(value)


def _bytes(*parts: tuple[int, int]) -> bytes:
    return b"".join(value.to_bytes(width, "big") for value, width in parts)


def _big_endian(values: np.ndarray, width: int) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, width)
