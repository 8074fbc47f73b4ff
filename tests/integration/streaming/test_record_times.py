"""Records whose own time is none: in micro- or nanoseconds, as a producer's mistake has it. They stop nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from tests import archive
from tests.archive import folder
from tests.builders import event, native
from tests.system import System
from tests.today import today


@pytest.mark.parametrize("by_executors", [False, True])
def test_record_times_in_micro_and_nanoseconds(archived: System, by_executors: bool) -> None:
    archived.configure({"archive": {"trigger_seconds": 1}, **({"streaming": {"executor_staging_rows": 1}} if by_executors else {})})
    accept_any_time(archived)
    now = int(time.time())
    units = [10**3, 10**6, 10**9, 10**9, 10**3, 10**9, 10**6]
    for n, unit in enumerate(units):
        value = b"{" if n == 3 else native(event(id_evento=f"T{n}"))
        send(archived, value, now * unit)
    archived.producer.produce(archived.topic, native(event(id_evento="other")), partition=1)
    archived.producer.flush(30)
    archived.drain()
    expected = sorted(["other", *(f"T{n}" for n in range(len(units)) if n != 3)])
    assert archived.query("SELECT event_id FROM ml_inventory_realtime ORDER BY event_id") == [(i,) for i in expected]
    assert archived.query('SELECT "offset", record_timestamp, key FROM castro.quarantine') == [(3, None, b"k")]
    assert archived.query("SELECT sum(to_offset - from_offset), sum(gaps) FROM castro.batch_books") == [(len(units) + 1, 0)]
    rows = [r for r in archive.rows(folder(archived)) if r["partition"] == 0]
    assert [r["offset"] for r in rows] == list(range(len(units)))
    assert [r["record_timestamp"] is None for r in rows] == [unit > 10**3 for unit in units]
    assert {r["arrival_day"] for r in rows} == {str(today())}
    assert all(r["headers"] == [{"key": "h", "value": b"1"}] for r in rows)


def send(system: System, value: bytes, timestamp: int) -> None:
    """To partition 0, repeated until the broker has taken it: it may learn a moment later what it is to accept."""
    deadline = time.monotonic() + 60
    errors: list[Any] = ["not sent"]
    while errors[-1] is not None:
        assert time.monotonic() < deadline, errors[-1]
        system.producer.produce(
            system.topic, value, key=b"k", partition=0, timestamp=timestamp, headers=[("h", b"1")],
            on_delivery=lambda error, _: errors.append(error),
        )  # fmt: skip
        system.producer.flush(30)


def accept_any_time(system: System) -> None:
    """As brokers before 3.6 do, and those of topics that are set so."""
    names = {"message.timestamp.after.max.ms": str(2**63 - 1), "message.timestamp.before.max.ms": str(2**63 - 1), "retention.ms": "-1"}
    entries = [ConfigEntry(n, v, incremental_operation=AlterConfigOpType.SET) for n, v in names.items()]
    topic = ConfigResource(ConfigResource.Type.TOPIC, system.topic, incremental_configs=entries)
    admin = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    for done in admin.incremental_alter_configs([topic]).values():
        done.result(30)
