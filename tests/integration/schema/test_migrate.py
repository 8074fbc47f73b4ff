"""`migrate` follows a declaration that changes, on a database with rows; everything in-process, without Spark and Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg2.errors
import pytest

from castro_spark.errors import NotMigrated, TypeChanged
from castro_spark.local import Stack
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.schema.migrate import check_migrated, migrate, migrations
from castro_spark.streams.declaration import Field, FieldType, Measure, StreamDeclaration
from tests.builders import event, native
from tests.consumer import INVENTORY, Consumer
from tests.statements import composed
from tests.system import System

GROWN = replace(INVENTORY, fields=(
    *INVENTORY.fields[:2], Field("lote", "lot"), *INVENTORY.fields[2:],
    Field("validade", "expires_on", FieldType.DATE, required=False),
    Field("peso", "Peso \"kg\"", FieldType.DECIMAL, required=False),
))  # fmt: skip
WORKING = [f"castro.{table}" for table in (
    "staged_inventory_events_a", "staged_inventory_events_b", "staged_inventory_events_c", "reconcile_inventory_rows",
    "reconcile_inventory_plan",
)]  # fmt: skip
ROWS = "SELECT event_id, lot, expires_on::text, quantity FROM ml_inventory_realtime ORDER BY event_id"


@pytest.fixture
def bare(stack: Stack, tmp_path: Path) -> Iterator[System]:
    system = System(stack, tmp_path)
    yield system
    system.end()


def session(system: System) -> Connection:
    """A session as the job has it: its search_path decides where tables come to lie."""
    return connect(load_settings(conf_file=system.conf, environ=system.env).postgres, "test")


def test_a_stream_gains_fields_while_its_writer_runs(bare: System) -> None:
    connection = session(bare)
    assert len(migrate(connection, [INVENTORY])) == len(migrations())
    before = Consumer(bare)
    before.consume(0, [(0, 0, native(event(id_evento="E1"))), (0, 1, native(event(id_evento="E2")))], by_executors=False, twice=False)

    refused(connection, GROWN, NotMigrated, "ml_inventory_realtime lacks column lot; ", "run ./spark-submit.sh migrate")
    assert migrate(connection, [GROWN]) == [
        "ml_inventory_realtime: column lot added, null in existing events; new ones must have it",
        "ml_inventory_realtime: column expires_on added, null in existing events",
        "ml_inventory_realtime: column Peso \"kg\" added, null in existing events",
        *(f"{table}: column {column} added" for table in WORKING for column in ("lot", "expires_on", "Peso \"kg\"")),
    ]
    assert migrate(connection, [GROWN]) == []
    check_migrated(connection, GROWN)

    for number, by_executors in ((1, False), (2, True)):  # the writer of before goes on, both ways
        late = native(event(id_evento=f"E{number + 2}"))
        before.consume(number, [(0, number + 1, late)], by_executors=by_executors, twice=False)
    assert bare.query(ROWS) == [(f"E{n}", None, None, Decimal(10)) for n in (1, 2, 3, 4)]
    before.close()

    now = Consumer(bare, GROWN, resume=True)
    new = {"lote": "L7", "validade": "2026-12-31", "peso": "1.5"}
    now.consume(3, [
        (0, 4, native(event(id_evento="E5", **new))),
        (0, 5, native(event(id_evento="E1", quantidade="7", lote="L1"))),  # a correction gives an old row its value
        (0, 6, native(event(id_evento="E6"))),  # without the required field
    ], by_executors=False, twice=True)  # fmt: skip
    now.consume(4, [(0, 7, native(event(id_evento="E7", data_movimentacao="2024-05-01T11:00:00", **new)))], by_executors=True, twice=False)
    now.close()
    assert bare.query(ROWS) == [
        ("E1", "L1", None, Decimal(7)),
        *((f"E{n}", None, None, Decimal(10)) for n in (2, 3, 4)),
        *((f"E{n}", "L7", "2026-12-31", Decimal(10)) for n in (5, 7)),
    ]
    assert bare.query("SELECT reason, detail FROM castro.quarantine") == [("missing_field", "lote: absent")]
    assert bare.query("SELECT transactions, volume FROM ml_inventory_daily") == [(6, Decimal(57))]
    newest = bare.redis.hgetall("inventory:realtime:P1")
    assert (newest["event_id"], newest["lot"], newest["Peso \"kg\""]) == ("E7", "L7", "1.5")
    connection.close()


def test_a_stream_gains_a_measure(bare: System) -> None:
    grown = replace(INVENTORY, measures=(
        *INVENTORY.measures, Measure("volume_lost", "transaction_type", ("PERDA", "it's")),
        Measure("value_lost", "transaction_type", ("PERDA",), of="value_total"),
    ))  # fmt: skip
    connection = session(bare)
    migrate(connection, [INVENTORY])
    before = Consumer(bare)
    days = ("2024-05-01", "2024-05-02", "2024-06-01")
    losses = [event(id_evento=f"L{n}", tipo_movimentacao="PERDA", data_movimentacao=f"{day}T12:00:00") for n, day in enumerate(days)]
    batch = [*losses, event(id_evento="in", data_movimentacao="2024-05-01T09:00:00"), event(id_evento="x", codigo_produto="P2")]
    before.consume(0, [(0, n, native(data)) for n, data in enumerate(batch)], by_executors=False, twice=False)
    done = migrate(connection, [grown])
    assert done[0] == "ml_inventory_daily: column volume_lost added, with the sums of the existing events"
    assert len(done) == 4
    # A writer of before would leave its share of the new sums out: it must not go on.
    with pytest.raises(psycopg2.errors.NotNullViolation):
        before.consume(1, [(0, 5, native(losses[0] | {"id_evento": "L9"}))], by_executors=False, twice=False)
    before.close()
    now = Consumer(bare, grown, resume=True)
    now.consume(1, [(0, 5, native(losses[0] | {"id_evento": "L9"}))], by_executors=False, twice=False)
    now.close()
    for table, first, found in (
        ("daily", "date", [("P1", "2024-05-01", 20, 50), ("P1", "2024-05-02", 10, 25), ("P1", "2024-06-01", 10, 25), ("P2", "2024-05-01", 0, 0)]),
        ("monthly", "month", [("P1", "2024-05-01", 30, 75), ("P1", "2024-06-01", 10, 25), ("P2", "2024-05-01", 0, 0)]),
    ):
        query = "SELECT product_code, {first}::text, volume_lost, value_lost FROM {table} ORDER BY 1, 2"
        assert bare.query(composed(query, first=first, table=f"ml_inventory_{table}")) == found
    connection.close()


def test_what_a_declaration_no_longer_asks_for_may_be_null(bare: System) -> None:
    place = next(f for f in INVENTORY.fields if f.column == "warehouse")
    rest = tuple(f for f in INVENTORY.fields if f is not place)
    natural_key = tuple(c for c in INVENTORY.natural_key if c != "warehouse")
    connection = session(bare)
    migrate(connection, [INVENTORY])
    for smaller in (
        replace(INVENTORY, fields=(*rest, replace(place, required=False))),
        replace(INVENTORY, fields=rest, natural_key=natural_key, measures=()),
    ):
        refused(connection, smaller, NotMigrated, "has a value for column", "run ./spark-submit.sh migrate")
        assert "is nullable now" in migrate(connection, [smaller])[-1]
        check_migrated(connection, smaller)
        consumer = Consumer(bare, smaller)
        consumer.consume(0, [(0, 0, native(event(deposito=...)))], by_executors=False, twice=False)
        consumer.close()
        assert bare.query("SELECT event_id, warehouse FROM ml_inventory_realtime") == [("E1", None)]
        bare.query("TRUNCATE ml_inventory_realtime; ALTER TABLE ml_inventory_realtime ALTER COLUMN warehouse SET NOT NULL")
    connection.close()


def test_changed_types_and_unknown_migrations_are_refused(bare: System) -> None:
    connection = session(bare)
    migrate(connection, [GROWN])
    other = replace(INVENTORY, fields=(*GROWN.fields[:-2], replace(GROWN.fields[-2], type=FieldType.TEXT), Field("x", "x")))
    words = "table ml_inventory_realtime, column expires_on: the stream's declaration says text, the table has date"
    refused(connection, other, TypeChanged, words, "table castro.reconcile_inventory_plan, column expires_on")
    with pytest.raises(TypeChanged):
        migrate(connection, [other])
    assert bare.query("SELECT count(*) FROM pg_attribute WHERE attname = 'x' AND attrelid = 'ml_inventory_realtime'::regclass") == [(0,)]
    bare.query("INSERT INTO castro_migrations.applied VALUES ('999_later', '')")
    with pytest.raises(NotMigrated, match="999_later"):
        migrate(connection, [GROWN])
    with pytest.raises(NotMigrated, match="999_later"):
        check_migrated(connection, GROWN)
    connection.close()


def refused(connection: Connection, declaration: StreamDeclaration, kind: type[Exception], *words: str) -> None:
    with pytest.raises(kind) as error:
        check_migrated(connection, declaration)
    for part in words:
        assert part in str(error.value)
