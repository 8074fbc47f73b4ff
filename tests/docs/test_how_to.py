"""The how-tos that need no Kafka are followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from castro_spark.errors.kerberos import _CERTAIN, _IN_CONTEXT
from castro_spark.local import Stack
from castro_spark.streaming import verdict
from tests.builders import ZONE, event, native
from tests.docs.guide import Reader, follow
from tests.docs.plant import Plant
from tests.system import ROOT


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


def test_each_reason_for_which_a_stream_ends_is_explained() -> None:
    judged = {v for _, v in (*verdict._BY_CLASS, *verdict._BY_TEXT)} | {verdict._WAITED_FOR, verdict._UNEXPECTED}
    reasons = {v.reason for v in judged if not v.restart or v.a_few_times} | {"topic_missing"}
    reasons |= {trouble.reason for _, trouble in (*_CERTAIN, *_IN_CONTEXT) if not trouble.passes}
    page = (ROOT / "docs" / "how-to" / "recover_a_stream.md").read_text("utf-8")
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()


def test_each_page_is_followed_by_a_test() -> None:
    tests = "\n".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    pages = {page for folder in ("how-to", "tutorials") for page in (ROOT / "docs" / folder).glob("*.md")}
    assert {page.name for page in pages if page.stem != "index" and f'"{page.stem}' not in tests} == set()


def test_a_page_that_is_wrong_is_found(tmp_path: Path) -> None:
    page, reader = tmp_path / "page.md", Reader(tmp_path, dict(os.environ))

    def wrong(text: str) -> str:
        page.write_text(text, "utf-8")
        with pytest.raises((AssertionError, ValueError)) as raised:
            follow(page, reader, {})
        return str(raised.value).partition("\n")[0]

    assert wrong("a\n\n```bash\nfalse\ntrue\n```\n") == "page.md:3: status 1:"
    assert wrong("```bash\necho b; echo a\n```\n```text\na\nb\n```\n") == "page.md:4: not what was printed:"
    assert wrong("<!-- fails: 2 -->\n```bash\ntrue\n```\n") == "page.md:2: status 0:"
    assert wrong("<!-- given: rain -->\n") == "page.md:1: no function rain; there are []"
    assert wrong("```sql\nSELECT 1\n```\n").endswith("is it run (bash), printed (text) or a file?")
    page.write_text('1. x\n\n   ```yaml title="f/a.yaml"\n   a: 1\n   ```\n   ```bash\n   export A=5\n   cat f/a.yaml; echo x y\n   ```\n   ```text\n   a: ...\n   x  y\n   ```\n')
    follow(page, reader, {})
    assert reader.env["A"] == "5"
