"""The pure parts of the peers' benchmark: records, reference, rotation, statistics, tables and pictures."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.kinds.figures import Latencies, latencies, warm_rate
from benchmarks.peers.loads import DRAINS, LIVE, MIXED, PROBE_EVERY, SHARES, WEEK, YEAR
from benchmarks.peers.pace import Pace, number_at, partition_of, probe
from benchmarks.peers.records import records
from benchmarks.peers.reference import Digest, reference, usable
from benchmarks.peers.reporting import pictures, report
from benchmarks.peers.reporting.engine_tables import engine, idles
from benchmarks.peers.reporting.limits_table import limits
from benchmarks.peers.reporting.pages import parts_of, with_parts
from benchmarks.peers.rotation import rotation

DAY = date(2026, 3, 10)


def movement(**changed: Any) -> bytes:
    data = {
        "id_evento": "M1", "codigo_produto": "P1", "tipo_movimentacao": "ENTRADA", "quantidade": 2.5,
        "custo_unitario": "3.10", "data_movimentacao": "2026-03-09T23:30:00.250", "deposito": "CASTRO", "cliente": "C1",
    }  # fmt: skip
    data |= changed
    return json.dumps({"table": "inventory_transactions", "data": data}).encode()


def test_a_loads_bytes_are_the_same_each_time_and_of_another_seed_others() -> None:
    small = MIXED.of(500)
    assert list(records(small, DAY)) == list(records(small, DAY))
    assert list(records(small, DAY)) != list(records(replace(small, seed=18), DAY))


def test_a_load_has_its_shares_of_corrections_and_rejects_and_no_correction_changes_its_partition() -> None:
    made = list(records(MIXED.of(20_000), DAY))
    good = [(p, d) for p, v in made if (d := usable(v)) is not None]
    assert len(made) - len(good) == pytest.approx(200, rel=0.3)
    ids = Counter(d["id_evento"] for _, d in good)
    assert len(good) - len(ids) == pytest.approx(2_000, rel=0.1)
    assert len({(d["id_evento"], p) for p, d in good}) == len(ids)


def test_fewer_events_of_a_long_spread_have_as_many_product_days_an_event() -> None:
    small = YEAR.of(20_000)
    days = {(d["codigo_produto"], d["data_movimentacao"][:10]) for _, v in records(small, DAY) if (d := usable(v))}
    assert small.days == 12
    assert len(days) / small.events == pytest.approx(0.52, abs=0.05)
    assert WEEK.of(20_000).days == 7


def test_a_live_load_is_dealt_out_to_the_streams_and_each_probe_has_a_product_of_its_own() -> None:
    pace, sent = Pace(LIVE["live-1000"]), Counter[str]()
    inventory = []
    for _ in range(2_000):
        sent[stream := pace.draw()] += 1
        partition, value = pace.record(stream, datetime(2026, 3, 9, 8))
        if stream == "inventory":
            inventory.append((partition, usable(value)))
    assert {stream: n / 2_000 for stream, n in sent.items()} == pytest.approx(SHARES, abs=0.05)
    assert [partition for partition, _ in inventory[:40:8]] == [0, 1, 2, 3, 0]
    products = Counter(data["codigo_produto"] for _, data in inventory if data)
    assert len(inventory) == sum(products.values())
    probes = [probe(n) for n in range(0, len(inventory), PROBE_EVERY)]
    assert [products[code] for code in probes] == [1] * len(probes)


def test_the_place_of_a_live_record_tells_its_number() -> None:
    next_offset: Counter[int] = Counter()
    for number in range(1_000):
        partition = partition_of(number, 4)
        assert number_at(partition, next_offset[partition], 4) == number
        next_offset[partition] += 1
    assert max(next_offset.values()) - min(next_offset.values()) <= 8


def test_the_reference_of_two_records_and_a_correction() -> None:
    made = [
        (0, movement()),
        (1, movement(id_evento="M2", tipo_movimentacao="SAIDA")),
        (0, movement(quantidade=1)),
        (1, b"{"),
    ]
    found = reference(made, DAY)
    assert (found.records, found.rejects) == (4, 1)
    events = [
        "M1|P1|ENTRADA|1|3.1|3.1|1773109800250|CASTRO||C1|2026-03-09|3|1|0|false",
        "M2|P1|SAIDA|2.5|3.1|7.75|1773109800250|CASTRO||C1|2026-03-09|3|1|0|false",
    ]
    assert found.digests == {
        "events": Digest.of(events),
        "daily": Digest.of(["P1|2026-03-09|2|3.5|10.85|1|2.5|3.1|7.75|3.1"]),
        "monthly": Digest.of(["P1|2026-03-01|2|3.5|10.85|1|2.5|3.1|7.75|3.1"]),
    }
    sums = {"transactions": Decimal(2), "volume": Decimal("3.5"), "value": Decimal("10.85")}
    assert found.hashes == {
        "agg:daily:P1:2026-03-09": sums,
        "agg:monthly:P1:2026-3": sums,
        "inventory:realtime:P1": {"event_id": "M2", "quantity": Decimal("2.5"), "unit_cost": Decimal("3.1")},
    }


@pytest.mark.parametrize(
    "value",
    [
        b"{", b'"movimento"', b"null", b"{}", b'{"data": []}', movement(quantidade="doze"), movement(quantidade="NaN"),
        movement(custo_unitario="-1"), movement(codigo_produto=""), movement(data_movimentacao=None),
    ],
)  # fmt: skip
def test_what_no_table_may_get_is_no_part_of_the_reference(value: bytes) -> None:
    assert usable(value) is None


def test_each_contestant_is_first_once_and_none_follows_always_the_same_one() -> None:
    orders = rotation(["a", "b", "c"], 3)
    assert [sorted(order) for order in orders] == [["a", "b", "c"]] * 3
    assert orders == [["a", "b", "c"], ["a", "c", "b"], ["c", "a", "b"]]
    assert rotation([], 2) == [[], []]


def test_statistics() -> None:
    assert latencies(range(1, 101)) == Latencies(100, 50, 95, 99, 100)
    assert latencies([7.0]) == Latencies(1, 7, 7, 7, 7)
    assert latencies([]) is None
    assert warm_rate([(10.0, 40), (11.0, 10), (13.0, 50)]) == 20
    assert warm_rate([(10.0, 100)]) == 0
    assert warm_rate([]) == 0


def run(contestant: str, number: int, seconds: float, failure: str = "") -> dict[str, Any]:
    return {
        "kind": "drain", "load": "week", "title": "a week", "events": 1_000, "records": 1_000, "round": number,
        "contestant": contestant, "failure": failure, "seconds_from_claim": seconds, "seconds_from_start": 2 * seconds,
        "warm_rate": 7.0, "used": {
            "cpu_seconds": {"JVM": 1.0, "PostgreSQL": 0.5}, "peak_mib": {"JVM": 300.0, "PostgreSQL": 90.0},
            "others_cores": 0.25,
        },
    }  # fmt: skip


RUNS = [
    run("ours", 1, 10), run("plain", 1, 5), run("plain", 2, 8), run("ours", 2, 12), run("debezium", 1, 1, "events: 3 rows of 4")
]  # fmt: skip


def test_the_table_of_a_job_has_medians_and_the_ratios_of_the_same_rounds() -> None:
    lines = report.drains(RUNS).splitlines()
    assert "| castro_spark, whole job | 92 (83 to 100) | 46 (42 to 50) | 7 (7 to 7) |  |  | 1,500 | 300 |" in lines
    plain = (
        "| plain batched Python consumer | 162 (125 to 200) | 81 (62 to 100) | 7 (7 to 7) | 0.58 (0.50 to 0.67) |"
        " 0.58 (0.50 to 0.67) | 1,500 | 300 |"
    )
    assert plain in lines


def test_a_run_that_does_not_end_as_the_reference_has_no_figure() -> None:
    found = report.markdown(RUNS)
    assert "| Kafka Connect, Debezium's JDBC sink | does not count: events: 3 rows of 4 |" in found
    assert "Debezium" not in report.processors(RUNS)


def alone(number: int, failure: str = "", **seconds: float) -> dict[str, Any]:
    cpu = {"Python": 0.1, "PostgreSQL": 0.2, "Redis": 0.0}
    parts = {name.replace("_", " "): {"seconds": s, "cpu_seconds": cpu} for name, s in seconds.items()}
    parts["upsert, plain consumer"] = {"seconds": 1.0, "cpu_seconds": cpu}
    return {**run("limits", number, 1, failure), "kind": "limits", "batch": 500, "parts": parts}


def test_the_limit_of_a_round_is_its_slowest_part_and_the_whole_job_has_a_share_of_each() -> None:
    seconds = {"parse": 2.0, "upsert": 4.0, "commit": 9.0, "read_for_Redis": 5.0, "Redis": 1.0}
    runs = [*RUNS, alone(1, **seconds), alone(2, **(seconds | {"Redis": 5.0}))]
    lines = limits(runs).splitlines()
    assert lines[0] == "**The parts alone, a week**, 1,000 records, 500 a commit"
    assert "| COPY and merge of the events | 250 (250 to 250) | 0.37 (0.33 to 0.40) | 0.03 (0.03 to 0.03) | 100 | 200 | 0 |" in lines
    assert lines[-1] == (
        "The limit, the slowest of parsing, COPY with merge, and Redis in each round: 225 (200 to 250) records/s. Of it the"
        " whole job reaches 0.41 (0.40 to 0.42) from the claim, and 0.03 (0.03 to 0.04) after the first 40 %."
    )
    assert limits([alone(1, "upsert: other events than the reference", **seconds)]).endswith(
        "does not count: upsert: other events than the reference"
    )
    assert limits(RUNS) == ""
    assert "the parts of castro_spark's job" not in report.promises(runs)


def lived(contestant: str, number: int, p99: float, jvm: float, batches: int) -> dict[str, Any]:
    return {
        **run(contestant, number, 1), "kind": "live", "load": "live-200", "title": "live", "seconds": 10.0,
        "postgres": {"p50": p99 / 2, "p95": p99, "p99": p99, "most": p99}, "redis": None, "batches": batches,
        "used": {"cpu_seconds": {"JVM": jvm, "Python": 1.0, "PostgreSQL": 9.0}, "peak_mib": {}, "others_cores": 0.1},
    }  # fmt: skip


def test_the_engine_stands_beside_those_that_count_their_batches_round_by_round() -> None:
    runs = [
        lived("ours", 1, 60, 4, 100), lived("empty", 1, 30, 4, 200), lived("ours", 2, 80, 6, 100),
        lived("empty", 2, 20, 4, 200), lived("plain", 1, 9, 0, 0),
    ]  # fmt: skip
    lines = engine(runs).splitlines()
    assert len(lines) == 6
    assert lines[4] == "| castro_spark, whole job | 35 | 70 | 3.00 (2.00 to 4.00) | 10.0 | 0.050 | 0.50 | 1.25 (1.00 to 1.50) | 0.60 |"
    assert lines[5].endswith("| 12 | 25 |  | 20.0 | 0.020 | 0.40 |  | 0.50 |")
    assert engine(runs[:1]) == ""


def test_streams_at_rest_have_each_processs_share_of_a_core() -> None:
    rested = [{**lived("ours", n, 0, n, 3), "kind": "idle", "load": "idle", "title": "three idle streams"} for n in (1, 2)]
    lines = idles(rested).splitlines()
    assert lines[0] == "**Three idle streams**"
    assert lines[-1] == "| castro_spark, whole job | 25.0 (20.0 to 30.0) | 15.0 | 10.0 | 0.0 | 90.0 | 0.0 | 0.0 | 3 |"
    assert idles(RUNS) == ""


def test_pictures_are_whole_and_leave_out_what_does_not_count() -> None:
    lived = [
        {
            **run("ours", 1, 1), "kind": "live", "load": "live-200", "postgres": {"p50": 20.0, "p99": 400.0},
            "redis": None, "seconds": 5.0,
        }
    ]  # fmt: skip
    drawn = pictures.drains(RUNS), pictures.lives(lived)
    for picture in drawn:
        assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert drawn[0].count("<rect") == 2
    assert "20 to 400 ms" in drawn[1]
    assert ElementTree.fromstring(pictures.drains([])).tag.endswith("svg")


def test_a_part_of_the_page_is_made_anew_between_its_markers() -> None:
    page = "by hand\n<!-- peers: drains -->\nold\n<!-- end -->\nby hand, too\n"
    made = with_parts(page, {"drains": r"a \1 table"})
    assert made == "by hand\n<!-- peers: drains -->\na \\1 table\n<!-- end -->\nby hand, too\n"
    assert with_parts(made, {"drains": r"a \1 table"}) == made
    with pytest.raises(ValueError, match="no marker"):
        with_parts(page, {"live": "x"})


def test_what_was_not_measured_stays_on_the_page() -> None:
    of = {"at": "2026-01-02T03:04", "cpus": 2, "cpu": "one", "gib": 8, "kernel": "6", "python": "3"}
    parts = parts_of({"machine": of, "runs": [*RUNS, lived("ours", 3, 60, 4, 100)]})
    assert sorted(parts) == ["drains", "live", "processors", "promises"]  # no engine: there is no empty query beside it
    assert parts["live"].startswith("Measured 2026-01-02 on 2 processors (one), 8 GiB, Linux 6, Python 3, 3 rounds.")
    assert ", 2 rounds." in parts["drains"]


def test_every_contestant_says_what_it_leaves_out() -> None:
    assert all(c.not_promised or c.name == "ours" for c in CONTESTANTS.values())
    assert set(DRAINS) == {"year", "week", "mixed"}
