"""What a commit notes beside the rows: names that were skipped, the stream's source, and large values' beginnings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from castro_spark.errors import RulesChanged
from castro_spark.local import Stack
from castro_spark.observe.status.blocks.streams import stream_errors
from castro_spark.parse.notes import Notes
from castro_spark.parse.reasons import MOST_NAMES, OTHER_NAMES
from castro_spark.rules import parse_rules
from castro_spark.sinks.postgres.commit.skipped import note_skipped, report_skipped
from jobs import quarantine
from tests.builders import debezium, debezium_key, event, native
from tests.consumer import INVENTORY, Consumer, Record
from tests.system import System, migrated_system

KEY = debezium_key(id=1)


@pytest.fixture(scope="module")
def system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with migrated_system(stack, tmp_path_factory.mktemp("records")) as system:
        yield system


@pytest.fixture
def consumer(system: System) -> Iterator[Consumer]:
    consumer = Consumer(system)
    yield consumer
    consumer.close()


def change(partition: int, offset: int, server: str, **more: str) -> Record:
    return partition, offset, debezium(event(id_evento=...), name=server, db="erp", **more), KEY


def skipped(consumer: Consumer) -> dict[tuple[str, str], int]:
    return {(s.kind, s.name): s.records for s in report_skipped(consumer.connection, "inventory")}


def quarantined(system: System) -> list[tuple[object, ...]]:
    return system.query('SELECT reason, partition, "offset" FROM castro.quarantine ORDER BY partition, "offset"')


@pytest.mark.parametrize("by_executors", [False, True])
def test_skipped_records_are_counted_once(consumer: Consumer, by_executors: bool) -> None:
    batch: list[Record] = [
        (0, 0, native(event(), table="Pedidos")), (0, 1, native(event(), table="Pedidos")), (1, 0, None),
        (1, 1, b'{"ts_ms":1}'), (2, 0, native(event())), (2, 1, native(event(), table="x")),
    ]  # fmt: skip
    consumer.consume(1, batch, by_executors=by_executors, twice=True)
    expected = {("other_table", "Pedidos"): 2, ("other_table", "x"): 1, ("tombstone", ""): 1, ("heartbeat", ""): 1}
    assert skipped(consumer) == expected
    consumer.consume(2, [(0, 2, native(event(), table="x"))], by_executors=by_executors, twice=True)
    assert skipped(consumer) == {**expected, ("other_table", "x"): 2}
    assert [s.reported for s in report_skipped(consumer.connection, "inventory")] == [True] * 4


def test_names_without_end_are_one(consumer: Consumer) -> None:
    for first in (0, 150, 300):
        notes = Notes()
        for n in range(first, first + 150):
            notes.add(Notes.of_json(f'[[["other_table", "t{n}", 2], ["tombstone", "", 1]], []]'))
        with consumer.connection, consumer.connection.cursor() as cursor:
            note_skipped(cursor, "inventory", notes)
    found = skipped(consumer)
    assert found["other_table", OTHER_NAMES] + 2 * (len(found) - 2) == 900
    assert len(found) <= MOST_NAMES + 2 and found["tombstone", ""] == 450


def test_names_of_fields_without_end_are_bounded_even_within_a_batch(consumer: Consumer, system: System) -> None:
    system.query("TRUNCATE castro.unknown_field")
    for number, first in enumerate((0, 150, 300)):
        more = {f"field {n:03}": n for n in range(max(0, first - 50), first + 150)}
        consumer.consume(number, [(0, number, native(event(**more)))], by_executors=False, twice=True)
        assert system.query("SELECT count(*), count(DISTINCT name) FROM castro.unknown_field") == [(min(first + 150, 200),) * 2]


def test_the_first_change_fixes_the_source(consumer: Consumer, system: System) -> None:
    consumer.consume(1, [(2, 0, native(event()))], by_executors=False, twice=False)
    assert consumer.commits.source() is None
    first = [change(0, 4, "erp"), change(0, 5, "erp"), change(1, 0, "loja")]
    with pytest.raises(RulesChanged, match="server erp"):  # the stream begins again at this
        consumer.consume(2, first, by_executors=False, twice=False)
    assert system.query("SELECT count(*) FROM castro.quarantine") == [(0,)]
    again(consumer)
    consumer.consume(2, first, by_executors=True, twice=True)
    assert quarantined(system) == [("other_source", 1, 0)]
    assert system.query('SELECT server, database, partition, "offset" FROM castro.stream_source') == [("erp", "erp", 0, 4)]
    (error,) = stream_errors(consumer.connection, INVENTORY, consumer.settings)
    assert error["state"] == "other_source" and "server loja" in error["problem"] and "server erp" in error["problem"]
    system.query("UPDATE castro.quarantine SET status = 'discarded'")
    assert stream_errors(consumer.connection, INVENTORY, consumer.settings) == []


@pytest.mark.parametrize("by_executors", [False, True])
def test_no_source_is_fixed_by_a_name_that_cannot_be_stored(consumer: Consumer, system: System, by_executors: bool) -> None:
    first = [change(0, 0, "e\0rp"), change(0, 1, "\ud800"), change(0, 2, "erp", schema="\n"), change(0, 3, "erp"), change(0, 4, "e" * 501)]
    consumer.consume(1, first, by_executors=by_executors, twice=True)
    assert quarantined(system) == [("bad_text", 0, 0), ("bad_text", 0, 1), ("bad_text", 0, 2), ("bad_text", 0, 4)]
    assert system.query("SELECT server, \"offset\" FROM castro.stream_source") == [("erp", 3)]


def test_a_batch_that_was_parsed_before_the_source_was_fixed(consumer: Consumer, system: System) -> None:
    consumer.consume(1, [change(0, 0, "erp"), change(0, 1, "erp", table="other")], by_executors=True, twice=True)
    consumer.consume(2, [change(0, 2, "erp")], by_executors=False, twice=False)
    with pytest.raises(RulesChanged):
        consumer.consume(3, [change(0, 3, "loja")], by_executors=False, twice=False)
    again(consumer)
    consumer.consume(3, [change(0, 3, "loja"), change(0, 4, "erp")], by_executors=False, twice=True)
    assert quarantined(system) == [("other_source", 0, 3)]


def again(consumer: Consumer) -> None:
    """As a start has it."""
    consumer.rules = parse_rules(INVENTORY, consumer.settings, 0, source=consumer.commits.source())


@pytest.mark.parametrize("by_executors", [False, True])
def test_of_a_large_value_the_beginning_is_kept(consumer: Consumer, system: System, by_executors: bool) -> None:
    value = native(event(cliente="x" * (3 << 20)))
    consumer.consume(1, [(0, 0, value), (0, 1, b"{")], by_executors=by_executors, twice=True)
    ((id_, kept, length, sha256),) = system.query(
        "SELECT id, value, value_length, value_sha256 FROM castro.quarantine WHERE reason = 'too_large'"
    )
    assert (bytes(kept), length) == (value[: 1 << 20], len(value))
    assert bytes(sha256) == hashlib.sha256(value).digest()
    assert system.query("SELECT value_length FROM castro.quarantine WHERE reason = 'not_json'") == [(None,)]
    if by_executors:
        return
    whole = system.conf.parent / "value.json"
    whole.write_bytes(native(event(id_evento="whole")))
    conf = ["--conf-file", str(system.conf), "--id", str(id_)]
    refused = CliRunner(env=system.env).invoke(quarantine.main, ["replay", *conf])
    assert refused.exit_code == 2 and "--value-file" in refused.output
    replayed = CliRunner(env=system.env).invoke(quarantine.main, ["replay", *conf, "--value-file", str(whole)])
    assert replayed.exit_code == 0, replayed.output
    assert system.query("SELECT status, value_length FROM castro.quarantine WHERE reason = 'too_large'") == [("replayed", None)]
