"""Version 0.1.0, with data and killed at work, is upgraded: everything that it left is taken over, and goes on exactly once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from castro_spark import read
from castro_spark.local import Stack
from castro_spark.product_columns import COLUMNS
from castro_spark.settings import load_settings
from castro_spark.settings.tree import read_tree
from castro_spark.streaming.product_360 import Product360
from tests import archive, engine, oracle, oracle_360
from tests.builders import event, native
from tests.earlier import STREAMS, TOPICS, Earlier, events_of
from tests.earlier.make import Record, change, natives, produce, purchase, sale
from tests.statements import composed
from tests.system import System
from tests.today import today

VERSION = Earlier("0.1.0")
TABLES = [f"ml_{stream}_{kind}" for stream in STREAMS for kind in ("realtime", "daily", "monthly")]
OF_THE_COMMIT = {"created_at", "updated_at", "revision"}
MASTER = {"product_code": "P1", "description": "Leite integral", "category": "Laticínios", "minimum_stock": 500, "active": True}
MASTERS = [MASTER, {**MASTER, "product_code": "P9", "description": "Queijo", "minimum_stock": 20}]
MENDED = event(id_evento="BAD", codigo_produto="P1", quantidade="4", data_movimentacao="2026-11-06T08:00:00")
PLACE_OF_BAD = (1, 4)


def new_records() -> dict[str, list[Record]]:
    """What comes after the upgrade: new events, and changes of what the earlier version wrote."""
    corrected = event(id_evento="M5", codigo_produto="P1", quantidade="40", data_movimentacao="2026-11-20T08:00:00")
    return {
        "inventory": [
            *natives([corrected, event(id_evento="N1", codigo_produto="P6", data_movimentacao="2026-11-21T08:00:00")], "inventory"),
            change(1, "u", 900, quantidade="8"),
            change(3, "c", 901, quantidade="2"),
        ],
        "sales": natives([sale(9), {**sale(1), "quantidade": "30"}], "sales", 1),
        "procurement": natives([{**purchase(6), "quantidade": "75"}], "procurement", 1),
    }


# Of places in the source's log before those that the earlier version wrote: an older state, and a row deleted since.
OLDER: dict[str, list[Record]] = {"inventory": [change(1, "u", 150, quantidade="1000"), change(2, "u", 350, quantidade="1000")]}


@pytest.fixture(scope="module")
def earlier(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The installation as version 0.1.0 left it."""
    system = System(stack, tmp_path_factory.mktemp("earlier"), tuple(STREAMS))
    system.topics = TOPICS
    system.configure({})
    system.env["CASTRO_ARCHIVE_DIR"] = str(system.folder / "archive")
    VERSION.produce(system)
    VERSION.restore(system)
    yield system
    system.end()


@pytest.fixture
def clean(stack: Stack, tmp_path: Path) -> Iterator[System]:
    system = System(stack, tmp_path, tuple(STREAMS))
    system.migrate()
    yield system
    system.end()


def test_its_database_and_redis_are_taken_over(databases: Stack, tmp_path: Path) -> None:
    """Without a stream's commit: no row of the tables changes, and the view gets its new columns for products at rest too."""
    system = System(databases, tmp_path, tuple(STREAMS))
    VERSION.restore_databases(system)
    before = {table: contents(system, table) for table in TABLES}
    system.migrate(topics=False)
    assert {table: contents(system, table) for table in TABLES} == before
    with closing(Product360(load_settings(conf_file=system.conf, environ=system.env))) as view:
        view.refresh()
    agrees_with_the_oracle(system, {name: events_of(VERSION.records(name), table) for name, table in STREAMS.items()}, mended=0)
    system.end()


@pytest.mark.long
def test_it_is_upgraded_and_goes_on(earlier: System, clean: System) -> None:
    before = {table: contents(earlier, table) for table in TABLES}
    old_redis = agg_hashes(earlier)
    assert "run ./spark-submit.sh migrate" in earlier.job("stream", "--available-now", status=1)
    assert archive.operations(earlier.folder / "archive" / "sales") == ["WRITE"]  # refused before it did anything
    done = earlier.job("migrate")
    assert "013_components" in done
    assert "tables: nothing to do" in earlier.job("migrate")
    assert {table: contents(earlier, table) for table in TABLES} == before

    mend = earlier.folder / "mended.json"
    mend.write_bytes(native(MENDED))
    assert "1 replayed, 0 still" in earlier.job("quarantine", "replay", "--id", "1", "--value-file", str(mend))

    sent: list[tuple[str, dict[str, Any]]] = []
    for records in (new_records(), OLDER):
        produce(earlier, records, lambda stream, message: sent.append((stream, as_record(message))))
    log = earlier.drain()
    for stream in STREAMS:
        assert f"stream {stream}: epoch" in log
    assert "the ledger decides" not in log, log  # its checkpoints are read, and agree
    assert "all hashes are rewritten" not in log, log  # nor is Redis's marker strange

    records = {name: [*VERSION.records(name), *(r for stream, r in sent if stream == name)] for name in STREAMS}
    events = {name: events_of(of_stream[:-2] if name == "inventory" else of_stream, STREAMS[name]) for name, of_stream in records.items()}
    events["inventory"].append((PLACE_OF_BAD, MENDED))
    agrees_with_the_oracle(earlier, events, mended=1)
    agrees_with_the_archive(earlier, records)
    assert old_redis.keys() <= agg_hashes(earlier).keys() | expired(earlier, old_redis)

    # One clean run over the same records.
    for name, of_stream in records.items():
        for r in of_stream:
            clean.producer.produce(clean.topics[name], r["value"], r["key"], r["partition"])
    assert clean.producer.flush(60) == 0
    clean.drain()
    (mended,) = clean.query("SELECT id FROM castro.quarantine")[0]
    clean.job("quarantine", "replay", "--id", str(mended), "--value-file", str(mend))
    for table in TABLES:
        assert contents(earlier, table) == contents(clean, table), table
    assert agg_hashes(earlier) == agg_hashes(clean)
    assert json.loads(status_of(earlier))["streams"]


def agrees_with_the_oracle(system: System, events: dict[str, oracle_360.Sent], mended: int) -> None:
    """`mended` events of inventory came from quarantine, and are in no batch's books."""
    daily, monthly = oracle.aggregates(events["inventory"])
    columns = ("transactions", "volume", "value", "volume_in", "volume_out", "value_in", "value_out", "last_unit_cost")
    for first, sums in (("date", daily), ("month", monthly)):
        table = f"ml_inventory_{'daily' if first == 'date' else 'monthly'}"
        query = composed("SELECT product_code, {first}, {columns} FROM {table}", first=first, columns=columns, table=table)
        held = {(r[0], r[1]): r[2:] for r in system.query(query)}
        assert held == {key: sum_.row() for key, sum_ in sums.items()}
    for stream in STREAMS:
        ids = {r[0] for r in system.query(composed("SELECT event_id FROM {events}", events=f"ml_{stream}_realtime"))}
        assert ids == {data["id_evento"] for _, data in events[stream]}
    for stream, consumed, counted, rows in system.query(
        "SELECT stream, sum(to_offset - from_offset), sum(inserted + corrected + stale + deleted + quarantined + skipped + gaps),"
        " sum(inserted - deleted) FROM castro.batch_books WHERE partition >= 0 GROUP BY stream"
    ):
        ((ledger,),) = system.query("SELECT sum(next_offset) FROM castro.offset_ledger WHERE stream = %(s)s", {"s": stream})
        assert consumed == counted == ledger
        assert rows == len(events[stream]) - (mended if stream == "inventory" else 0)
    expected = oracle_360.product_360(events, today(), MASTERS)
    held = system.query(composed("SELECT {columns} FROM ml_product_360", columns=COLUMNS))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in held]
    assert oracle_360.differences({row["product_code"]: row for row in rows}, expected) == []
    for code, row in expected.items():
        held = oracle_360.of_redis(system.redis.hgetall(f"product:360:{code}"), row)
        assert oracle_360.differences({code: held}, {code: row}) == []


def agrees_with_the_archive(system: System, records: dict[str, list[dict[str, Any]]]) -> None:
    """It has each record once, those that the earlier version archived and those since; events read from it are the stream's."""
    for stream, of_stream in records.items():
        folder = system.folder / "archive" / stream
        assert len(archive.operations(folder)) > 1
        held = [(r["partition"], r["offset"], r["key"], r["value"]) for r in archive.rows(folder)]
        assert held == sorted((r["partition"], r["offset"], r["key"], r["value"]) for r in of_stream)
    settings = load_settings(conf_file=system.conf, environ=system.env)
    with engine.default_session() as spark:
        spark.conf.set("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        for stream in STREAMS:
            found = {
                source: {hashable(row) for row in read.events(spark, stream, source=source, settings=settings).collect()}  # type: ignore[arg-type]
                for source in ("archive", "postgres")
            }
            only = found["postgres"] ^ found["archive"]
            assert {row[0] for row in only} == ({"BAD"} if stream == "inventory" else set())


def hashable(row: Any) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, bytearray) else value for value in row)


def contents(system: System, table: str) -> set[tuple[Any, ...]]:
    """A table's rows, but for when and by which commit they were written."""
    columns = [
        row[0]
        for row in system.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %(t)s::regclass AND attnum > 0 AND NOT attisdropped", {"t": table}
        )
    ]
    kept = sorted(set(columns) - OF_THE_COMMIT)
    return set(system.query(composed("SELECT {kept} FROM {table}", kept=kept, table=table)))


def agg_hashes(system: System) -> dict[str, dict[str, str]]:
    """The hashes of days and months, but for their versions."""
    return {
        key: {field: value for field, value in system.redis.hgetall(key).items() if field != "version"}
        for key in system.redis.scan_iter("agg:*", count=5000)
    }


def expired(system: System, keys: dict[str, Any]) -> set[str]:
    return {key for key in keys if not system.redis.exists(key)}


def as_record(message: Any) -> dict[str, Any]:
    return {"partition": message.partition(), "offset": message.offset(), "key": message.key(), "value": message.value()}


def status_of(system: System) -> str:
    output = system.job("status", "--json")
    return output[output.index("{\n") : output.rindex("\n}") + 2]


def test_its_settings_are_still_good(tmp_path: Path) -> None:
    """Every setting that it had, as a file of one's own: each is valid, and has the value that the file gives it."""
    tree = read_tree(VERSION.folder / "settings.yaml")
    settings = load_settings(conf_file=VERSION.folder / "settings.yaml", environ={})
    assert settings.streaming.max_offsets_per_trigger == tree["streaming"]["max_offsets_per_trigger"] == 50_000
    differing = dict(differences(tree, settings.model_dump(mode="json", by_alias=True), ()))
    assert differing == {}, differing
    tree["projection"]["chunk_size"] = 7  # and one that neither has is refused, with its place
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(tree))
    with pytest.raises(Exception, match=r"(?s)wrong\.yaml.*projection\.chunk_size"):
        load_settings(conf_file=wrong, environ={})


def differences(tree: Any, loaded: Any, key: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The settings whose value is not the one in the file, where both can be compared."""
    if isinstance(tree, dict):
        for name, below in tree.items():
            yield from differences(below, loaded.get(name) if isinstance(loaded, dict) else None, (*key, name))
    elif isinstance(tree, list):
        if sorted(map(str, tree)) != sorted(map(str, loaded or [])):
            yield ".".join(key), (tree, loaded)
    elif tree != loaded:
        with suppress(ArithmeticError, TypeError):
            if Decimal(str(tree)) == Decimal(str(loaded)):
                return
        yield ".".join(key), (tree, loaded)
