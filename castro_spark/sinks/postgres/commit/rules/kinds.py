"""The kinds of identity (ids, natural keys) of a stream's events, by source. Within a commit, under its lock.

Guarantee: the warehouse's rows and the stream's records never use different kinds, whichever source is first and
however they overlap: each source's transactions read what the other one recorded, and record their own.
"""

from __future__ import annotations

from castro_spark.errors import IdentitiesDiffer, RulesChanged
from castro_spark.parse.identity import Kinds
from castro_spark.sinks.postgres.commit.ledger import Ledger, StreamLock
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.streams.declaration import IdentityKind

_UPDATES = {
    "kinds": "UPDATE castro.stream SET kinds = kinds || %s::text[] WHERE stream = %s",
    "warehouse_kinds": "UPDATE castro.stream SET warehouse_kinds = warehouse_kinds || %s::text[] WHERE stream = %s",
}
_NAMES = {IdentityKind.ID: "ids", IdentityKind.NATURAL: "natural keys"}


def check_warehouse(ledger: Ledger, stream: str, kinds: Kinds) -> None:
    """Raises IdentitiesDiffer if warehouse rows identified by `kinds` would count streamed events twice."""
    streamed, warehouse = ledger.kinds, kinds | ledger.warehouse_kinds
    if not kinds or not streamed or streamed == warehouse:
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
        f"stream {stream}: the warehouse's rows are identified by {_names(warehouse)}, streamed records by"
        f" {_names(streamed)}: the same events would count twice; nothing was written",
        f"{remedy}; rows stored by the other rule must go (empty the stream's tables, and delete its row"
        f" of castro.stream); or exclude the warehouse: {section}.history.on_extract: false",
    )


def take_streamed(connection: Connection, lock: StreamLock, batch: StagedBatch) -> None:
    """Records the batch's kinds of identity, and the number of ids that were not sent in normal form.

    Raises RulesChanged if the warehouse's rows use another kind: they arrived after the batch was parsed.
    """
    ledger, kinds = lock.ledger, batch.kinds
    if ledger.warehouse_kinds and not kinds <= ledger.warehouse_kinds:
        raise RulesChanged(
            f"stream {lock.stream}: rows of the warehouse arrived, identified by {_names(ledger.warehouse_kinds)};"
            f" these records are identified by {_names(kinds)}",
            "the stream restarts by itself and rejects records with another identity; run any other job again",
        )
    _note(connection, lock, "kinds", kinds - ledger.kinds)
    if raw_ids := batch.total("raw_ids"):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE castro.stream SET ids_changed = ids_changed + %s WHERE stream = %s", (raw_ids, lock.stream)
            )


def take_warehouse(connection: Connection, lock: StreamLock, kinds: Kinds) -> None:
    """Records that warehouse rows identified by `kinds` are written. Raises as check_warehouse does."""
    check_warehouse(lock.ledger, lock.stream, kinds)
    _note(connection, lock, "warehouse_kinds", kinds - lock.ledger.warehouse_kinds)


def _note(connection: Connection, lock: StreamLock, column: str, new: Kinds) -> None:
    if new:
        with connection.cursor() as cursor:
            cursor.execute(_UPDATES[column], (sorted(kind.value for kind in new), lock.stream))


def _names(kinds: Kinds) -> str:
    return " and ".join(_NAMES[kind] for kind in IdentityKind if kind in kinds)
