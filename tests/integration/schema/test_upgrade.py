"""A database of the first schema is upgraded: its schema becomes that of a new one, and its stream continues."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from castro_spark.local import Stack
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import check_migrated, migrate
from castro_spark.streams import all_streams
from tests.builders import event, native
from tests.consumer import Consumer
from tests.system import System

FIRST_SCHEMA = Path(__file__).parents[2] / "data" / "first-schema.sql"
OURS = {"ours": ("public", "castro", "castro_migrations")}  # schemas
SCHEMA = {
    "columns": """
        SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            c.relpersistence, c.reloptions, coll.collname, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation coll ON coll.oid = a.attcollation
        WHERE n.nspname IN %(ours)s AND c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraints": """
        SELECT n.nspname, k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE n.nspname IN %(ours)s""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes JOIN pg_namespace n ON n.nspname = schemaname WHERE n.nspname IN %(ours)s",
    "functions": """
        SELECT p.proname, pg_get_functiondef(p.oid)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN %(ours)s""",
    "applied": "SELECT name, stream FROM castro_migrations.applied",
}


def migrated(system: System) -> list[str]:
    with closing(connect(load_settings(conf_file=system.conf, environ=system.env).postgres, "test")) as connection:
        changes = migrate(connection, all_streams().values())
        assert migrate(connection, all_streams().values()) == []
        for stream in all_streams().values():
            check_migrated(connection, stream)
    return changes


def schema(system: System, what: str) -> list[str]:
    return sorted(map(str, system.query(SCHEMA[what], OURS)))


@pytest.fixture
def pair(stack: Stack, tmp_path: Path) -> list[System]:
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    return [System(stack, folder) for folder in folders]


def test_a_database_of_the_first_schema_is_upgraded(pair: list[System]) -> None:
    old, new = pair
    with closing(old.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(FIRST_SCHEMA.read_text(encoding="utf-8"))
    migrated(new)
    assert all(change[:3] >= "013" for change in migrated(old))
    for what in SCHEMA:
        assert schema(old, what) == schema(new, what), what

    consumer = Consumer(old, resume=True)
    consumer.consume(1, [
        (0, 3, native(event(id_evento="E1", quantidade="7", data_movimentacao="2026-11-02T10:00:00"))),
        (0, 4, native(event(id_evento="E3", quantidade="1", data_movimentacao="2026-11-02T12:00:00"))),
    ], by_executors=False, twice=True)  # fmt: skip
    consumer.close()
    daily = "SELECT product_code, date::text, transactions, volume FROM ml_inventory_daily"
    assert old.query(daily) == [("P1", "2026-11-02", 3, Decimal(11))]
    assert old.query("SELECT count(*) FROM castro.quarantine") == [(1,)]
    for system in pair:
        system.end()
