"""What makes two records the same event: the event's own id, else a hash of its natural key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

_HASH_CHARACTERS = 32  # 128 of SHA-256's bits
_MICROSECONDS = 1_000_000


def natural_id(identity: Sequence[str], event: Mapping[str, object], micros: int) -> str:
    """The natural key's columns -> text: `nk:`, the epoch second, `:`, half of a SHA-256.

    `micros` is the event's timestamp, in microseconds. The time in front keeps the ids of one period side by
    side in the table's index, so that a batch touches few of its pages however large the table is.
    """
    # Checked texts hold no control characters, so these can neither be forged nor run together.
    parts = ("\x00" if event[column] is None else str(event[column]) for column in identity)
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"nk:{micros // _MICROSECONDS:011d}:{digest}"
