"""The how-tos that need no Kafka are followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from castro_spark.local import Stack
from tests.builders import ZONE, event, native
from tests.docs.plant import Plant


@pytest.fixture
def tables(databases: Stack, tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(databases, tmp_path)
    plant.migrate(topics=False)
    yield plant
    plant.end()


def test_replay_quarantine(tables: Plant) -> None:
    ahead = (datetime.now(ZONE) + timedelta(days=3)).isoformat()

    def rejected() -> None:
        tables.commit(native(event(quantidade="12,5")), native(event(id_evento="E2", data_movimentacao=ahead)), b"ping")

    def stored() -> None:
        rows = tables.query("SELECT event_id, quantity FROM ml_inventory_realtime ORDER BY event_id")
        assert rows == [("E1", Decimal("12.5")), ("E2", Decimal(10))]
        assert tables.query("SELECT id, status FROM castro.quarantine ORDER BY id") == [
            (1, "replayed"), (2, "replayed"), (3, "discarded"),
        ]  # fmt: skip
        assert tables.redis.hget("inventory:realtime:P1", "event_id") == "E2"

    tables.follow(
        "replay_quarantine", three_records_are_rejected=rejected,
        the_mended_events_are_stored_in_PostgreSQL_and_in_Redis=stored,
    )  # fmt: skip
