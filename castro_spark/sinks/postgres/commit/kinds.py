"""How a stream's events are known, on either way in: by ids, or by natural keys. Within a commit, under its lock.

Guarantee: the warehouse's rows and the stream's records never come to be known differently, whichever way is first and
however they overlap: what one way has written is read and noted in the transactions of the other.
"""

from __future__ import annotations

from castro_spark.errors import IdentitiesDiffer, RulesChanged
from castro_spark.parse.identity import Kinds
from castro_spark.sinks.postgres.commit.ledger import Ledger, StreamLock
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.streams.declaration import IdentityKind

_NOTES = {
    "kinds": "UPDATE castro.stream SET kinds = kinds || %s::text[] WHERE stream = %s",
    "warehouse_kinds": "UPDATE castro.stream SET warehouse_kinds = warehouse_kinds || %s::text[] WHERE stream = %s",
}
_WORDS = {IdentityKind.ID: "ids", IdentityKind.NATURAL: "natural keys"}


def check_warehouse(ledger: Ledger, stream: str, kinds: Kinds) -> None:
    """Raises IdentitiesDiffer where warehouse rows known by `kinds` would count what was streamed once more."""
    streamed, brought = ledger.kinds, kinds | ledger.warehouse_kinds
    if not kinds or not streamed or streamed == brought:
        return
    section = f"streams.{stream}"
    if IdentityKind.NATURAL in streamed:
        remedy = (
            f"records came without id ({section}.identity is auto): let the source send ids, made of the same columns"
            f" as {section}.history.key, and set {section}.identity: id; or set {section}.identity: natural_key, for"
            " records and warehouse alike"
        )
    else:
        remedy = f"name the columns that make the id which the records have: {section}.history.key: [...]"
    raise IdentitiesDiffer(
        f"stream {stream}: the warehouse's rows are known by {_words(brought)}, what was streamed by"
        f" {_words(streamed)}: the same events would count twice; nothing was written",
        f"{remedy}; what is there by the other rule must go (empty the stream's tables, and delete its row of"
        f" castro.stream); or leave the warehouse out: {section}.history.on_extract: false",
    )


def take_streamed(connection: Connection, lock: StreamLock, batch: StagedBatch) -> None:
    """Notes how the batch's records are known, and how many of their ids were not sent in their normal form. Raises
    RulesChanged where the warehouse's rows are known otherwise: the batch was parsed before those came.
    """
    ledger, kinds = lock.ledger, batch.kinds
    if ledger.warehouse_kinds and not kinds <= ledger.warehouse_kinds:
        raise RulesChanged(
            f"stream {lock.stream}: rows of the warehouse have come, known by {_words(ledger.warehouse_kinds)}, and"
            f" these records are known by {_words(kinds)}",
            "the stream begins again by itself, and rejects records that are known otherwise; run any other job again",
        )
    _note(connection, lock, "kinds", kinds - ledger.kinds)
    if raw_ids := batch.total("raw_ids"):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE castro.stream SET ids_changed = ids_changed + %s WHERE stream = %s", (raw_ids, lock.stream)
            )


def take_warehouse(connection: Connection, lock: StreamLock, kinds: Kinds) -> None:
    """Notes that warehouse rows known by `kinds` are written. Raises as check_warehouse does."""
    check_warehouse(lock.ledger, lock.stream, kinds)
    _note(connection, lock, "warehouse_kinds", kinds - lock.ledger.warehouse_kinds)


def _note(connection: Connection, lock: StreamLock, column: str, new: Kinds) -> None:
    if new:
        with connection.cursor() as cursor:
            cursor.execute(_NOTES[column], (sorted(kind.value for kind in new), lock.stream))


def _words(kinds: Kinds) -> str:
    return " and ".join(_WORDS[kind] for kind in IdentityKind if kind in kinds)
