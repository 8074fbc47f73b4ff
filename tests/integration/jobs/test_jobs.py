"""The jobs beside the stream, as their users call them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import psutil

from castro_spark.sources.kafka.options import jaas
from tests import oracle
from tests.builders import event, native, random_events
from tests.system import System


def test_quarantine_is_listed_mended_replayed_and_discarded(system: System) -> None:
    today = random_events(random.Random(1), 1)[0]
    good = {**today, "id_evento": "A", "codigo_produto": "P"}
    bad = {**good, "id_evento": "B", "quantidade": "12,5"}
    mended = {**bad, "quantidade": "12.5"}
    positions = system.produce([native(good), native(bad), b"{"], partition=0)
    system.drain()
    listed = json.loads(system.job("quarantine", "list", "--json").partition("\n]")[0] + "\n]")
    assert [(q["reason"], q["offset"]) for q in listed] == [("bad_number", 1), ("not_json", 2)]
    first, second = (str(q["id"]) for q in listed)
    assert "0 replayed, 1 still unusable" in system.job("quarantine", "replay", "--id", first, status=1)
    (system.folder / "mended.json").write_bytes(native(mended))
    mend = ("--id", first, "--value-file", str(system.folder / "mended.json"))
    assert "no open record in quarantine has id" in system.job("quarantine", "replay", *mend, "--reason", "not_json", status=2)
    assert "1 replayed, 0 still" in system.job("quarantine", "replay", *mend)
    assert "1 discarded" in system.job("quarantine", "discard", "--id", second, "--note", "noise")
    assert "has id" in system.job("quarantine", "discard", "--id", second, "--note", "noise", status=2)
    events = system.query("SELECT event_id, quantity FROM ml_inventory_realtime ORDER BY event_id")
    assert [(i, str(q.normalize())) for i, q in events][1] == ("B", "12.5")
    sent: list[Any] = [(positions[0], good), (positions[1], mended)]
    oracle.assert_redis_agrees(system, sent)
    # The stream goes on after a replay, and a replayed record is no obstacle to its own correction.
    correction = {**mended, "quantidade": 3}
    sent.append((system.produce([native(correction)], partition=0)[0], correction))
    system.drain()
    oracle.assert_redis_agrees(system, sent)


def test_a_flushed_redis_is_rebuilt_by_command_and_by_itself(system: System) -> None:
    events = random_events(random.Random(2), 100)
    sent = list(zip(system.produce(native(e) for e in events), events, strict=True))
    system.drain()
    system.redis.flushdb()
    assert " as of revision " in system.job("cache", "rebuild")
    oracle.assert_agrees(system, sent)
    system.redis.flushdb()
    system.drain()
    oracle.assert_agrees(system, sent)


def test_status_and_validate(system: System) -> None:
    assert "never started" in system.job("status")
    system.produce([native(event(lote="L1")), b"{"], partition=2)
    system.drain()
    system.produce([native(event())] * 3, partition=2)
    stored = system.job("status")
    assert "lag         0 records {0: 0, 1: 0, 2: 0}, by the topic's end as seen" in stored
    assert "lote: not in the declaration" in stored
    output = system.job("status", "--json", "--live")
    told = json.loads(output[output.index("{") : output.rindex("}") + 1])
    (status,) = told["streams"]
    assert told["product_360"] == {"migrated": False}  # this system has one of the three streams
    assert status["lag"] == {"0": 0, "1": 0, "2": 3}
    assert status["quarantined"] == {"not_json": 1}
    assert status["redis"].items() >= {"reachable": True, "revision": 1, "up_to_date": True, "behind": 0}.items()
    assert status["unknown_fields"] == ["lote"]
    # A new field was told by the first status after it came, and is not told again.
    assert status["unknown_fields_not_reported_before"] == []
    assert "lote" not in system.job("status")
    assert "ok" in system.job("validate")
    system.redis.set("castro:published:inventory", "0.0")
    assert "BEHIND by 1 commit," in system.job("status")
    system.env["CASTRO_REDIS_URL"] = "redis://127.0.0.1:1/1"
    assert "redis       NOT REACHABLE, revision 1 when it was last seen; Redis: it cannot" in system.job("status", status=1)
    assert "Connection refused" in system.job("validate", status=1)
    system.env["CASTRO_TIMEZONE"] = "Mars"
    assert "CASTRO_TIMEZONE: timezone: Value error, must be an IANA name" in system.job("validate", status=2)


def test_migrate_repeats_and_secrets_are_not_shown(system: System) -> None:
    output = system.job("migrate")
    assert "nothing to do" in output
    assert "is there" in output
    assert system._password not in output


def command_line(process: psutil.Process) -> list[str]:
    """Nothing of one that has ended meanwhile: Hadoop's file system calls chmod now and then."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one, too
        return []


def test_secrets_are_in_no_log_checkpoint_event_log_or_command_line(system: System) -> None:
    events = system.folder / "events"
    events.mkdir()
    system.env["CASTRO_SPARK_SUBMIT_ARGS"] = (
        f"--conf spark.eventLog.enabled=true --conf spark.eventLog.dir=file:{events} --conf spark.eventLog.compress=false"
    )
    system.configure({
        "streaming": {"executor_staging_rows": 1},  # the executors connect, too
        "quality": {"every_seconds": 1},
    })  # fmt: skip
    # This broker asks for no password; its clients are given some all the same.
    canaries = system.folder.parent / f"{system.folder.name}-kafka.properties"
    canaries.write_text(f'sasl.jaas.config={jaas("PLAIN", "u", "canary-sasl")}\nssl.key.password=canary-key\n')
    system.env["CASTRO_KAFKA_OPTIONS_FILE"] = str(canaries)
    system.produce([native(event()), b"{"])
    stream = system.start("stream")
    system.wait_for("SELECT sum(next_offset)::bigint FROM castro.offset_ledger", 2)
    passed = "SELECT count(*) > 0 FROM castro.quality_result WHERE check_name = 'record_counts' AND outcome = 'pass'"
    system.wait_for(passed, True)
    loop = "SELECT mode || ' ' || state FROM castro.instance WHERE kind = 'quality loop'"
    system.wait_for(loop, "continuous running")
    assert "quality loop: running since" in system.job("status")
    process = psutil.Process(stream.pid)
    lines = [part for p in (process, *process.children(recursive=True)) for part in command_line(p)]
    assert lines
    system.stop(stream)
    assert system.query(loop) == [("continuous stopped",)]
    secrets = [Path(system.env[f"CASTRO_{name}_PASSWORD_FILE"]).read_text().strip() for name in ("POSTGRES", "REDIS")]
    secrets += ["canary-sasl", "canary-key"]
    files = [path for path in system.folder.rglob("*") if path.is_file()]
    assert any(events in path.parents for path in files)
    assert any("checkpoints" in str(path) for path in files)
    for secret in secrets:
        assert not [path for path in files if secret.encode() in path.read_bytes()]
        assert not [line for line in lines if secret in line]
