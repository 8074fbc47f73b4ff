"""Debezium changes: in which order, by the places in their databases' logs."""

from __future__ import annotations

from typing import Any

import pytest

from castro_spark.parse.position import PositionClass
from tests.builders import debezium, debezium_key
from tests.unit.parse.debezium.places import CHANGE, SNAPSHOT, place
from tests.unit.parse.debezium.records import (
    AFTER,
    KEY,
    Row,
    one,
    parse,
)
from tests.unit.parse.positions import kafka, position


def found(**source: Any) -> bytes:
    held: bytes = one(debezium(AFTER, **source))["source_position"]
    return held


def test_lsns_order_across_transactions() -> None:
    """A began before B and wrote after it; B was committed first. So all of B stands before all of A."""
    b = [found(sequence='["100","130"]', lsn=130), found(sequence='["100","150"]', lsn=150)]
    a = [found(sequence='["160","120"]', lsn=120), found(sequence='["160","140"]', lsn=140)]
    assert b + a == sorted(b + a) == [place(CHANGE, *n) for n in ((100, 130), (100, 150), (160, 120), (160, 140))]


def test_snapshots_stand_before_the_log_and_in_their_own_order() -> None:
    first, second = (found(op="r", snapshot=of, sequence=None, lsn=lsn) for of, lsn in (("first", 900), ("last", 950)))
    start = found(sequence='[null,"5"]', lsn=5)
    assert [first, second, start] == sorted([first, second, start])
    assert [first, second, start] == [place(SNAPSHOT, 900), place(SNAPSHOT, 950), place(CHANGE, 0, 5)]
    for flag in (True, "true", "first_in_data_collection", "incremental"):
        assert found(op="c", snapshot=flag) == place(SNAPSHOT, 24023119, 24023128)
    for flag in (False, "false", None, ...):
        assert found(op="c", snapshot=flag) == place(CHANGE, 24023119, 24023128)
    assert found(op="r", snapshot=..., sequence=..., lsn=...) == kafka(1, 2, 0, SNAPSHOT)


MYSQL = {"connector": "mysql", "sequence": None, "lsn": ...}
SQL_SERVER = {"connector": "sqlserver", "sequence": None, "lsn": ...}
ORACLE = {"connector": "oracle", "sequence": None, "lsn": ...}
KAFKA = kafka(1, 2, 0)  # no log's place is there: Kafka's, never a clock


def test_binlogs_order() -> None:
    places = [("binlog.000009", 900, 2), ("mysql-bin.000010", 4, 0), ("mysql-bin.000010", 4, 1), ("mysql-bin.000010", 700, 0),
              ("mysql-bin.000010", 1 << 47, 7)]  # fmt: skip
    held = [found(**MYSQL, file=file, pos=pos, row=row) for file, pos, row in places]
    numbers = [(int(file[-6:]), pos, row) for file, pos, row in places]
    assert held == sorted(held) == [position(CHANGE, 1, (n, 8), (pos, 8), (row, 4)) for n, pos, row in numbers]
    for file, pos in (("b.1", -1), ("b.9999999999999999999", 4), ("b", 4)):
        assert found(**MYSQL, file=file, pos=pos, row=0) == KAFKA


def test_sql_servers_log_orders() -> None:
    """Two changes of one transaction; a later transaction; in hexadecimal digits of either case."""
    places = [("00000027:00000ac0:0002", "00000027:00000758:0003", 1), ("00000027:00000ac0:0002", "00000027:00000758:0003", 2),
              ("00000027:00000AC0:0002", "00000027:00000758:0005", 1), ("00000027:00000ac0:0009", "00000027:00000750:0001", 1),
              ("00000028:00000000:0000", "00000027:00000750:0001", 1)]  # fmt: skip
    held = [found(**SQL_SERVER, commit_lsn=commit, change_lsn=change, event_serial_no=n) for commit, change, n in places]
    assert held == sorted(held)
    assert len(set(held)) == len(held)
    snapshot = found(**SQL_SERVER, op="r", commit_lsn="00000030:00000000:0000", change_lsn=None, snapshot="true")
    assert snapshot < held[0]
    assert found(**SQL_SERVER, commit_lsn="nonsense", change_lsn=None) == KAFKA


def test_oracles_log_orders() -> None:
    places = [("100", "90", None, None), ("100", "95", " 0x0000d0.00008d9e.01f4 ", 0), ("100", "95", " 0x0000d0.00008d9e.01f4 ", 1),
              ("100", "95", " 0x0000d0.00008d9f.0000 ", 0), ("2122190", "80", " 0x000001.00000001.0001 ", 0)]  # fmt: skip
    held = [found(**ORACLE, commit_scn=commit, scn=scn, rs_id=rs_id, ssn=ssn) for commit, scn, rs_id, ssn in places]
    assert held == sorted(held)
    assert len(set(held)) == len(held)
    assert found(**ORACLE, scn="x", commit_scn="100") == KAFKA


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"sequence": None}, place(CHANGE, 24023128)),
        ({"sequence": '["x","5"]'}, place(CHANGE, 24023128)),
        ({"sequence": '["9223372036854775807","9223372036854775807"]'}, place(CHANGE, (1 << 63) - 1, (1 << 63) - 1)),
        ({"sequence": '["9223372036854775808","5"]'}, place(CHANGE, 24023128)),
        ({"sequence": ["1", "2"], "lsn": "x"}, KAFKA),
        ({"sequence": None, "lsn": 1 << 63}, KAFKA),
        ({"sequence": None, "lsn": None, "ts_ms": None}, KAFKA),
    ],
)
def test_other_logs(source: Row, expected: bytes) -> None:
    assert found(**source) == expected


@pytest.mark.parametrize("source", [
    {"sequence": None, "lsn": 900}, {"sequence": '["100","130"]'}, {**MYSQL, "file": "b.000009", "pos": 900, "row": 2},
    {**SQL_SERVER, "commit_lsn": "00000030:00000000:0000", "change_lsn": None},
])  # fmt: skip
@pytest.mark.parametrize("snapshot", ["true", "false"])
def test_different_events_of_one_place_are_ordered_whenever_they_come(source: Row, snapshot: str) -> None:
    """Rows of a snapshot, or of a PostgreSQL COPY."""
    value = debezium(AFTER, snapshot=snapshot, **source)
    keys = [debezium_key(id=n) for n in range(20)]
    by_id = {r["event_id"]: r["source_position"] for r in parse(*((key, value) for key in keys))}
    assert len(set(by_id.values())) == 20
    assert by_id == {r["event_id"]: r["source_position"] for r in parse(*((key, value) for key in reversed(keys)))}


def test_without_a_log_the_kafka_offset_orders() -> None:
    value = debezium(AFTER, sequence=None, lsn=None)
    assert [r["source_position"] for r in parse((KEY, value), (KEY, value))] == [kafka(1, 2, 0), kafka(1, 2, 1)]


def test_the_class_counts_before_the_generation_and_that_before_the_place() -> None:
    classes = [kafka(g, p, o, c) for c in PositionClass for g in (0, 1, 300) for p, o in ((0, -5), (0, 7), (1, 0))]
    assert classes == sorted(classes)
