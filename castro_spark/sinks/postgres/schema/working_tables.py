"""Names of a stream's working tables in the schema castro: staging slots, and a reconciliation's tables."""

from __future__ import annotations

from psycopg2 import sql

from castro_spark.streams.declaration import StreamDeclaration

SLOTS = ("a", "b")  # the writer's: one batch is staged while the previous one commits
OUT_OF_BAND_SLOT = "c"
SHARED_SLOTS = (*SLOTS, OUT_OF_BAND_SLOT)  # the executors COPY into these
TEMPORARY = "temporary"  # the "slot" of a small batch: the session's temporary tables


def events_table(stream: StreamDeclaration, slot: str) -> sql.Identifier:
    """Where the events of a slot are staged."""
    return _slot_table(f"staged_{stream.name}_events", slot)


def rejects_table(stream: StreamDeclaration, slot: str) -> sql.Identifier:
    """Where the rejects of a slot are staged."""
    return _slot_table(f"staged_{stream.name}_rejects", slot)


def warehouse_rows_table(stream: StreamDeclaration) -> sql.Identifier:
    """Where a reconciliation stages the warehouse's rows of a day."""
    return sql.Identifier("castro", f"reconcile_{stream.name}_rows")


def plan_table(stream: StreamDeclaration) -> sql.Identifier:
    """Where a reconciliation stores its plan."""
    return sql.Identifier("castro", f"reconcile_{stream.name}_plan")


def _slot_table(name: str, slot: str) -> sql.Identifier:
    return sql.Identifier("pg_temp", name) if slot == TEMPORARY else sql.Identifier("castro", f"{name}_{slot}")
