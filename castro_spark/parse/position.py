"""Where a record stood in its source, as a pair that orders: of one identity, the greater pair counts.

Both halves fit a bigint. Pairs compare within one log only: an identity comes from one connector, or from native
records, not from both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from castro_spark.parse.reasons import Reason, Unusable

GENERATION_SHIFT = 32

_SNAPSHOT = -1  # before every place in a log
_WHOLE = re.compile(r"[0-9]{1,19}").fullmatch
_BIGINT = (1 << 63) - 1
_SEQUENCE = re.compile(r'\[ *(?:null|"(?P<commit>[0-9]{1,19})") *, *"(?P<lsn>[0-9]{1,19})" *\]').fullmatch
_BINLOG = re.compile(r".*\.(?P<number>[0-9]{1,18})").fullmatch
_ROW_BITS = 16
_MOST_ROWS, _MOST_BYTES = (1 << _ROW_BITS) - 1, _BIGINT >> _ROW_BITS


def position_major(generation: int, partition: int) -> int:
    """The greater half of a native record's position; the lesser is its offset.

    The topic's generation stands above the partition: a topic that was deleted and created again starts
    at offset 0, and what it brings is newer than all before.
    """
    return (generation << GENERATION_SHIFT) + partition


def log_position(source: Mapping[str, object], ts_ms: object, offset: int, *, snapshot: bool) -> tuple[int, int]:
    """The position of a Debezium change, from its `source`: sent twice it has the same one again.

    PostgreSQL: (last commit's LSN, LSN) from `sequence`, which grows also where transactions interleave and an
    LSN alone does not; (LSN, 0) from connectors too old to send it. MySQL: (number of the binlog file, place in
    it and row). Others, whose log positions do not fit or may be one for two changes of a row (Oracle's, SQL
    Server's): (`source.ts_ms`, or the envelope's `ts_ms`; Kafka offset). A snapshot's rows (`snapshot`, or
    source.snapshot) stand before all of these, by their LSN, else their time: of two snapshots the later counts.
    Raises Unusable: missing_field, where not even a time is there.
    """
    place = _postgres(source) or _mysql(source)
    time = _whole(source.get("ts_ms"))
    if time is None:
        time = _whole(ts_ms)
    if snapshot or source.get("snapshot") not in (None, False, "false"):
        lsn = _whole(source.get("lsn"))
        place = (_SNAPSHOT, lsn) if lsn is not None else None if time is None else (_SNAPSHOT, time)
    elif place is None and time is not None:
        place = (time, offset)
    if place is None:
        raise Unusable(Reason.MISSING_FIELD, "source.ts_ms: absent")
    return place


def _postgres(source: Mapping[str, object]) -> tuple[int, int] | None:
    sequence = source.get("sequence")
    parts = _SEQUENCE(sequence) if isinstance(sequence, str) else None
    if parts is not None:
        commit, lsn = _whole(parts["commit"] or "0"), _whole(parts["lsn"])
        if commit is not None and lsn is not None:
            return commit, lsn
    lsn = _whole(source.get("lsn"))
    return None if lsn is None else (lsn, 0)


def _mysql(source: Mapping[str, object]) -> tuple[int, int] | None:
    file, place = source.get("file"), _whole(source.get("pos"))
    parts = _BINLOG(file) if isinstance(file, str) else None
    if parts is None or place is None or place > _MOST_BYTES:
        return None
    return int(parts["number"]), place << _ROW_BITS | min(_whole(source.get("row")) or 0, _MOST_ROWS)


def _whole(value: object) -> int | None:
    """The text of a number of the log, if a bigint holds it."""
    if not isinstance(value, str) or not _WHOLE(value) or int(value) > _BIGINT:
        return None
    return int(value)
