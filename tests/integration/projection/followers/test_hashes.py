"""Hashes on a real PostgreSQL and Redis: when they end, and which history of the commits they are of."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from castro_spark.projection import projector as projecting
from castro_spark.projection.last_sync import LastSyncProjector
from castro_spark.projection.rebuild import rebuild
from castro_spark.sinks.postgres.operations.pruning import prune_step
from castro_spark.sinks.redis.hashes import Superseded, VersionedHashes
from castro_spark.sinks.redis.keys import version
from tests.builders import event
from tests.consumer import INVENTORY
from tests.integration.projection.followers.ledger import MARKER, Ledger, at, some
from tests.today import today


def test_an_end_stays_where_it_is_however_often_a_hash_is_written(ledger: Ledger) -> None:
    days = [today() - timedelta(days=n) for n in (0, 6, 7, 8)]
    old = event(id_evento="old", codigo_produto="PX", data_movimentacao=at(days[0]))
    ledger.commit([event(id_evento=f"E{d}", data_movimentacao=at(d)) for d in days] + [old])
    projector = ledger.projector()
    projector.step()
    ledger.agrees()  # which knows the ends, and that the fourth day is past its own
    assert not ledger.system.redis.exists(f"agg:daily:P1:{days[3]}")
    for key in ledger.system.redis.scan_iter("agg:*"):  # as if they had been written with another end
        ledger.system.redis.expire(key, 7 * 86_400)
    ledger.commit([event(id_evento=f"E{d}", data_movimentacao=at(d), quantidade="11") for d in days])
    projector.step()
    projector.close()
    ledger.sent[:-4] = [s for s in ledger.sent[:-4] if s[1]["codigo_produto"] != "PX"]
    ledger.system.query("UPDATE ml_inventory_realtime SET updated_at = now() - interval '50 minutes' WHERE event_id = 'old'")
    rebuild(ledger.settings, INVENTORY)
    assert 0 < ledger.system.redis.ttl("inventory:realtime:PX") <= 600
    ledger.system.query("UPDATE ml_inventory_realtime SET updated_at = now() - interval '61 minutes' WHERE event_id = 'old'")
    rebuild(ledger.settings, INVENTORY)
    assert not ledger.system.redis.exists("inventory:realtime:PX")
    ledger.system.redis.delete(*ledger.system.redis.keys("agg:*:PX:*"))
    ledger.agrees()


def test_memory_is_bounded_by_the_chunk(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [f"C{n:02d}" for n in range(23)]
    ledger.commit([event(id_evento=c, codigo_produto=c, data_movimentacao=at(today())) for c in codes])
    projector = ledger.projector()
    seen: list[list[str]] = []
    changed = projector._rows.changed

    def counting(connection: Any, products: list[str], *others: Any) -> Any:
        seen.append(products)
        return changed(connection, products, *others)

    monkeypatch.setattr(projector._rows, "changed", counting)
    for few in (20_000, 10):  # the second time also a step that follows finds more than can be listed at once
        monkeypatch.setattr(projecting, "_FEW", few)
        ledger.system.redis.flushdb()
        assert projector.step().is_level
        ledger.commit([event(id_evento=c, codigo_produto=c, data_movimentacao=at(today()), quantidade=few) for c in codes])
        assert projector.step().is_level
        ledger.agrees()
        for of_a_step in (seen[:5], seen[5:]):
            assert sorted(code for chunk in of_a_step for code in chunk) == codes
            assert max(len(chunk) for chunk in of_a_step) == 5
        seen.clear()
    projector.close()


def test_what_is_older_than_the_marker_is_refused(ledger: Ledger) -> None:
    """Also where the hash is gone, and with it its version."""
    ledger.commit(some(1))
    projector = ledger.projector()
    (epoch, revision) = projector.step().committed or (0, 0)
    ledger.commit(some(2))
    projector.step()
    projector.close()
    with closing(VersionedHashes(ledger.settings.redis, "inventory", ())) as late:
        with pytest.raises(Superseded):
            late.write([("agg:daily:GONE:2026-01-01", 2**32, {"transactions": "1"})], epoch, revision)
        late.mark(epoch, revision)
    ledger.agrees()


def test_a_field_is_stored_as_it_is(ledger: Ledger) -> None:
    """Whatever its text: Redis's Lua decodes it."""
    texts = ["", " ", '"', "\\", "\\u0041", "\n\t\r\x01\x7f", "{}", "null", "1e400", "-0.00", "9" * 40, "Leite £ – 牛 🐄", "\u2028", "/"]
    fields = {f"{number}{text}": text for number, text in enumerate(texts)} | {"many": "ã" * 100_000}
    with closing(VersionedHashes(ledger.settings.redis, "inventory", ())) as hashes:
        hashes.write([("inventory:realtime:A", 2**32, fields), ("inventory:realtime:B", 2**32, None)], 1, 1)
        stored, removed = hashes.read(["inventory:realtime:A", "inventory:realtime:B"])
    assert stored[0] == fields | {"version": version(1, 1)}
    assert removed == ({}, -2)


def test_a_text_of_a_row_is_stored_as_it_is(ledger: Ledger) -> None:
    odd = ['"', "\\", "\\n\\u0041", "\u2028\u2029", "é\u0301", "\U0001f404", "{}[],:", "null", "%s %(x)s"]
    events = [event(id_evento=f"E{n}", codigo_produto=f"P{n}", cliente=f"x{text}y", data_movimentacao=at(today()))
              for n, text in enumerate(odd)]  # fmt: skip
    ledger.commit([*events, event(id_evento="none", codigo_produto="PN", data_movimentacao=at(today()))])
    projector = ledger.projector()
    projector.step()
    projector.close()
    ledger.agrees()
    stored = [ledger.system.redis.hget(f"inventory:realtime:P{n}", "customer") for n in range(len(odd))]
    assert stored == [f"x{text}y" for text in odd]
    assert "customer" not in ledger.system.redis.hgetall("inventory:realtime:PN")


def test_a_marker_older_than_the_notes_means_a_rebuild(ledger: Ledger) -> None:
    ledger.commit([event(data_movimentacao=at(today()))])
    projector = ledger.projector()
    projector.step()
    day = f"agg:daily:P1:{today()}"
    saved, marker = ledger.system.redis.hgetall(day), ledger.system.redis.get(MARKER)
    ledger.commit([event(data_movimentacao=at(today() - timedelta(days=1)))])  # the day lost its last event
    ledger.commit(some(3))
    projector.step()
    assert not ledger.system.redis.exists(day)
    ledger.system.redis.hset(day, mapping=saved)  # a replica that lagged became the primary
    ledger.system.redis.set(MARKER, str(marker))
    ledger.system.query("UPDATE castro.emptied SET emptied_at = now() - interval '99 days'")
    prune_step(
        ledger.consumer.connection, INVENTORY, ledger.settings.housekeeping, books_days=30, has_history=False
    )
    assert ledger.system.query("SELECT count(*) FROM castro.emptied") == [(0,)]
    assert projector.step().is_level
    projector.close()
    ledger.agrees()


def test_a_restored_database_replaces_what_a_later_state_had_published(ledger: Ledger) -> None:
    projector = ledger.projector()
    ledger.commit(some(1))
    projector.step()
    epoch, revision = ledger.system.query("SELECT epoch, revision FROM castro.stream")[0]
    with closing(VersionedHashes(ledger.settings.redis, "inventory", ())) as later:
        code = ledger.sent[0][1]["codigo_produto"]
        lost = [(f"agg:daily:{c}:{today()}", 2**32, {"transactions": "9"}) for c in (code, "LOST")]
        later.write(lost, epoch, revision + 5)
        later.mark(epoch, revision + 5, projector._timeline)
    assert projector.step().is_level
    ledger.agrees()
    # The same number, of another history: a failover that lost commits, and others since.
    ledger.system.redis.set("castro:history:inventory", "of another")
    ledger.system.redis.hset(f"agg:daily:{code}:{today()}", "transactions", "9")
    ledger.system.redis.expire(f"agg:daily:{code}:{today()}", 3600)
    assert projector.step().is_level
    projector.close()
    ledger.agrees()


def test_last_sync_is_compared_and_made_good(ledger: Ledger) -> None:
    ledger.system.query(
        "TRUNCATE castro.extract_watermark; INSERT INTO castro.extract_watermark (target, watermark, revision, mode, rows_read)"
        " VALUES ('ml_a', '2026-01-02T03:04:05.000006Z', 1, 'full', 1), ('ml_b', NULL, 1, 'full', 0)"
    )
    with closing(LastSyncProjector(ledger.settings)) as projector:
        for damage in (lambda: None, ledger.system.redis.flushdb, lambda: ledger.system.redis.set("last_sync:ml_a", "2027")):
            damage()
            projector.step()
            assert ledger.system.redis.get("last_sync:ml_a") == "2026-01-02T03:04:05.000006Z"
            assert ledger.system.redis.keys("last_sync:*") == ["last_sync:ml_a"]
            assert ledger.system.redis.ttl("last_sync:ml_a") == -1
