"""The archive beside the stream: everything is kept as it came, once."""

from __future__ import annotations

import json
import re
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests import archive
from tests.archive import folder
from tests.builders import ZONE, debezium, debezium_key, event, native
from tests.system import ROOT, System
from tests.unit.parse.test_records import REJECTS

COUNT = "SELECT sum(next_offset)::bigint FROM castro.offset_ledger"


def send(system: System, value: bytes | None, **parts: Any) -> None:
    system.producer.produce(system.topic, value, partition=parts.pop("partition", 0), **parts)
    system.producer.flush(30)


def test_every_record_is_kept_as_it_came(archived: System) -> None:
    rejects = [value for values in REJECTS.values() for value in values]
    # Late in a local evening, so that UTC has the day after; not so old that Kafka removes it.
    late = (datetime.now(ZONE) - timedelta(days=2)).replace(hour=22, minute=30, second=0, microsecond=0)
    send(archived, native(event(lote="L1")), key=b"\xff\x00", headers=[("trace", b"\x01\xff"), ("trace", None)],
         timestamp=int(late.timestamp() * 1000))  # fmt: skip
    archived.produce([*rejects, None, native(event(), table="other")], partition=0)
    send(archived, debezium(None, op="d", before={"id_evento": "K"}), key=debezium_key(id="K"))
    send(archived, None, key=debezium_key(id="K"))
    send(archived, native(event(id_evento="E2")), partition=2)
    archived.drain()
    rows = archive.rows(folder(archived))
    expected = len(rejects) + 6
    assert [(r["partition"], r["offset"]) for r in rows] == [(0, n) for n in range(expected - 1)] + [(2, 0)]
    assert {(r["topic"], r["generation"]) for r in rows} == {(archived.topic, 0)}
    first, *bad, tombstone, other, delete, keyed_tombstone, last = rows
    assert (first["key"], first["value"]) == (b"\xff\x00", native(event(lote="L1")))
    assert first["headers"] == [{"key": "trace", "value": b"\x01\xff"}, {"key": "trace", "value": None}]
    assert (first["record_timestamp"], first["arrival_day"]) == (late, str(late.date()))
    assert (first["outcome"], first["event_id"], first["unknown"]) == ("event", "E1", ["lote"])
    assert (str(first["value_total"]), str(first["date"])) == ("25.000000000000", "2024-05-01")
    assert [r["value"] for r in bad] == rejects
    assert [(r["outcome"], r["reason"]) for r in bad] == [
        ("reject", reason) for reason, values in REJECTS.items() for _ in values
    ]
    assert all(r["detail"] is not None and r["event_id"] is None for r in bad)
    assert (tombstone["value"], tombstone["outcome"], other["outcome"]) == (None, "skip", "skip")
    assert (delete["outcome"], delete["event_id"]) == ("delete", "K")
    assert (24023119).to_bytes(8, "big") + (24023128).to_bytes(8, "big") in delete["source_position"]
    assert (keyed_tombstone["key"], keyed_tombstone["value"]) == (debezium_key(id="K"), None)
    assert (last["event_id"], last["arrival_day"]) == ("E2", str(last["record_timestamp"].astimezone(ZONE).date()))
    # What the stream made of them is the same.
    quarantined = archived.query('SELECT value, reason, detail FROM castro.quarantine ORDER BY "offset"')
    assert [(bytes(v), *rest) for v, *rest in quarantined] == [(r["value"][: 1 << 20], r["reason"], r["detail"]) for r in bad]
    # Nothing new, without a checkpoint, and again: nothing is appended.
    shutil.rmtree(archived.folder / "checkpoints")
    commits = archive.operations(folder(archived))
    archived.drain()
    assert archive.operations(folder(archived)) == commits
    assert "archive     0 records behind" in archived.job("status")
    output = archived.job("status", "--json", "--live")
    (status,) = json.loads(output[output.index("{\n") : output.rindex("\n}") + 2])["streams"]
    assert status["archive"]["behind"] == {"0": 0, "1": 0, "2": 0}
    assert "archive     0 records behind" in archived.job("status", "--live")
    assert "ok" in archived.job("validate")


def test_compaction_and_retention_keep_the_rest_and_the_offsets(archived: System) -> None:
    conf = {"maintenance_minutes": 0, "compact_files": 1, "retention_days": 3, "vacuum_hours": 0.000001}
    today = datetime.now(ZONE)
    sent: dict[tuple[int, int], int] = {}  # place -> how many days ago it arrived
    archived.configure({"archive": {**conf, "maintenance_minutes": 1000}})
    for _ in range(2):
        for days in (1, 0, 5):
            for partition in range(3):
                when = int((today - timedelta(days=days)).timestamp() * 1000)
                place = len([p for p, _ in sent if p == partition])
                send(archived, native(event(id_evento=f"{partition}-{place}")), partition=partition, timestamp=when)
                sent[partition, place] = days
        archived.drain()
    many = len(archive.files(folder(archived)))
    archived.configure({"archive": conf})
    archived.drain()
    assert many > 2 == len(archive.files(folder(archived)))  # one of yesterday, one of today
    kept = sorted(place for place, days in sent.items() if days < 3)
    assert archive.places(folder(archived)) == kept
    on_disk = {path for path in folder(archived).rglob("*.parquet") if "_delta_log" not in path.parts}
    assert on_disk == set(archive.files(folder(archived)))
    done = archive.operations(folder(archived))
    assert {"WRITE", "DELETE", "OPTIMIZE", "VACUUM END"} <= set(done)
    # The newest commit, a vacuum's, tells the offsets, those of the deleted days included; and it is gone on from there.
    assert archive.positions(folder(archived)) == {0: 6, 1: 6, 2: 6}
    shutil.rmtree(archived.folder / "checkpoints")
    send(archived, native(event(id_evento="new")), partition=1)
    archived.drain()
    assert archive.places(folder(archived)) == sorted([*kept, (1, 6)])


def test_a_field_that_is_new_in_the_declaration_becomes_a_column(archived: System) -> None:
    copy = archived.folder / "castro"
    copy.mkdir()
    for part in ("castro_spark", "jobs", "conf", "sql", "spark-submit.sh", "pyproject.toml"):
        copied = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copied(ROOT / part, copy / part)
    declaration = copy / "castro_spark" / "streams" / "inventory.py"
    text = declaration.read_text()
    before = '        Field("cliente", "customer", required=False),\n'
    assert before in text
    send(archived, native(event(lote="L0")))
    archived.drain()
    declaration.write_text(text.replace(before, before + '        Field("lote", "lot", required=False),\n'))
    home = Path(archived.env.get("CASTRO_HOME", ROOT / ".castro"))
    archived.env |= {"CASTRO_HOME": str(home), "CASTRO_VENV": archived.env.get("CASTRO_VENV", str(home / "venv"))}
    archived.root = copy
    assert "ml_inventory_realtime: column lot added" in archived.job("migrate", "--skip-topics")
    send(archived, native(event(lote="L1", id_evento="E2")))
    archived.drain()
    assert [(r.get("lot"), r["unknown"]) for r in archive.rows(folder(archived))] == [(None, ["lote"]), ("L1", None)]


def test_open_transactions_wait_and_aborted_ones_are_left_out(archived: System) -> None:
    from confluent_kafka import Producer

    servers = {"bootstrap.servers": archived.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]}
    producer = Producer({**servers, "transactional.id": archived.topic})
    producer.init_transactions(30)

    def produce(name: str) -> None:
        producer.begin_transaction()
        producer.produce(archived.topic, native(event(id_evento=name)), partition=1)
        producer.flush(30)

    produce("aborted")
    producer.abort_transaction(30)
    archived.drain()
    produce("open")
    send(archived, native(event(id_evento="behind")), partition=1)
    archived.drain()
    assert not (folder(archived) / "_delta_log").exists() or archive.rows(folder(archived)) == []
    producer.commit_transaction(30)
    archived.drain()
    archived.drain()
    assert [(r["event_id"], r["offset"]) for r in archive.rows(folder(archived))] == [("open", 2), ("behind", 3)]
    assert archive.positions(folder(archived)) == {0: 0, 1: 5, 2: 0}


def test_a_failing_archive_does_not_stop_the_stream(archived: System) -> None:
    (archived.folder / "archive").write_text("a file where the folder should be")
    stream = archived.stream()
    archived.produce([native(event())] * 10)
    archived.wait_for(COUNT, 10, seconds=60)
    stream.wait_for_log("the archive retries in")
    archived.wait_for("SELECT state FROM castro.instance WHERE kind = 'archive'", "restarting", seconds=20)
    for options in ([], ["--live"]):
        assert re.search(r"10 records behind.*  FAILS: .*_delta_log", archived.job("status", *options, status=1)), options
    assert "archive.dir" in archived.job("validate", status=1)
    # Mended, it archives what it missed, without a new start.
    (archived.folder / "archive").unlink()
    deadline = time.monotonic() + 90
    while not (folder(archived) / "_delta_log").exists() or len(archive.places(folder(archived))) < 10:
        assert time.monotonic() < deadline, stream.log()
        time.sleep(0.5)
    stream.stop()
    # A run that is to end fails by its exit status, with its streams' work done.
    shutil.rmtree(archived.folder / "archive")
    (archived.folder / "archive").write_text("again")
    archived.produce([native(event())])
    assert "the archive of stream inventory is not complete" in archived.job("stream", "--available-now", status=1)
    assert archived.query(COUNT) == [(11,)]


def test_aged_out_records_are_told_and_gone_on_from(archived: System) -> None:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    archived.produce([native(event())] * 3, partition=0)
    archived.drain()
    without = dict(archived.env)
    del archived.env["CASTRO_ARCHIVE_DIR"]
    archived.produce([native(event())] * 5, partition=0)
    archived.drain()
    archived.env = without
    admin = AdminClient({"bootstrap.servers": archived.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    for future in admin.delete_records([TopicPartition(archived.topic, 0, 6)]).values():
        future.result(30)
    output = archived.drain()
    assert "offsets 3 to 5 aged out before they were archived: THEY ARE LOST" in output
    assert archive.places(folder(archived)) == [(0, n) for n in (0, 1, 2, 6, 7)]
    assert "3 RECORDS AGED OUT BEFORE" in archived.job("status")


def test_a_topic_that_was_created_again_is_a_new_generation(archived: System) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    archived.produce([native(event())] * 2, partition=0)
    archived.drain()
    admin = AdminClient({"bootstrap.servers": archived.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    admin.delete_topics([archived.topic])[archived.topic].result(30)
    time.sleep(2)
    admin.create_topics([NewTopic(archived.topic, 3)])[archived.topic].result(30)
    archived.produce([native(event())] * 3, partition=0)
    assert "the archive of stream inventory" in archived.job("stream", "--available-now", status=1)
    assert archive.places(folder(archived)) == [(0, 0), (0, 1)]
    archived.job("stream", "--available-now", "--accept-new-topic")
    places = [(r["generation"], r["offset"]) for r in archive.rows(folder(archived))]
    assert places == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
