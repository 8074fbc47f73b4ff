"""What PostgreSQL and Redis must hold, in plain Python: decimals and zoneinfo, nothing of the product."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.statements import composed

ZONE = ZoneInfo("America/Sao_Paulo")


@dataclass
class Sums:
    transactions: int = 0
    volume: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    volume_in: Decimal = Decimal(0)
    volume_out: Decimal = Decimal(0)
    value_in: Decimal = Decimal(0)
    value_out: Decimal = Decimal(0)
    last: tuple[Any, ...] = ()

    def row(self) -> tuple[Any, ...]:
        return (
            self.transactions, self.volume, self.value, self.volume_in, self.volume_out, self.value_in, self.value_out,
            self.last[-1],
        )  # fmt: skip


def instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=ZONE)


def newest(sent: list[tuple[tuple[int, int], dict[str, Any]]]) -> dict[str, tuple[tuple[int, int], dict[str, Any]]]:
    """The event of each id: the one with the greatest (partition, offset)."""
    events: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
    for position, data in sent:
        held = events.get(data["id_evento"])
        if held is None or held[0] < position:
            events[data["id_evento"]] = (position, data)
    return events


def aggregates(
    sent: list[tuple[tuple[int, int], dict[str, Any]]],
) -> tuple[dict[tuple[str, date], Sums], dict[tuple[str, date], Sums]]:
    """(product, day) and (product, month) sums of what was sent."""
    daily: dict[tuple[str, date], Sums] = defaultdict(Sums)
    monthly: dict[tuple[str, date], Sums] = defaultdict(Sums)
    for position, data in newest(sent).values():
        when = instant(data["data_movimentacao"])
        day = when.astimezone(ZONE).date()
        quantity, cost = Decimal(str(data["quantidade"])), Decimal(str(data["custo_unitario"]))
        code, kind = data["codigo_produto"], data["tipo_movimentacao"]
        for sums in (daily[code, day], monthly[code, day.replace(day=1)]):
            sums.transactions += 1
            sums.volume += quantity
            sums.value += quantity * cost
            sums.volume_in += quantity if kind == "ENTRADA" else 0
            sums.volume_out += quantity if kind == "SAIDA" else 0
            sums.value_in += quantity * cost if kind == "ENTRADA" else 0
            sums.value_out += quantity * cost if kind == "SAIDA" else 0
            sums.last = max(sums.last, (when.timestamp(), position, cost))
    return dict(daily), dict(monthly)


def assert_agrees(system: Any, sent: list[tuple[tuple[int, int], dict[str, Any]]]) -> None:
    """PostgreSQL's events and aggregates, the books and Redis are exactly what `sent` makes them."""
    assert_rows_agree(system, sent)
    books = system.query(
        "SELECT sum(to_offset - from_offset), sum(inserted + corrected + stale + deleted + quarantined + skipped"
        " + gaps), sum(inserted - deleted) FROM castro.batch_books"
    )[0]
    ledger = system.query("SELECT sum(next_offset) FROM castro.offset_ledger")[0][0]
    assert books[0] == books[1] == ledger
    assert books[2] == len(newest(sent))


def assert_rows_agree(system: Any, sent: list[tuple[tuple[int, int], dict[str, Any]]]) -> None:
    """As `assert_agrees`, without the books: where a topic was changed, or its records came by a backfill."""
    daily, monthly = aggregates(sent)
    columns = ("transactions", "volume", "value", "volume_in", "volume_out", "value_in", "value_out", "last_unit_cost")
    events = {
        r[0]: r[1:]
        for r in system.query(
            "SELECT event_id, product_code, transaction_type, quantity, unit_cost, value_total, \"timestamp\", warehouse,"
            " customer, date FROM ml_inventory_realtime"
        )
    }
    assert events == {i: event_row(d) for i, (_, d) in newest(sent).items()}
    got = {(r[0], r[1]): r[2:] for r in system.query(composed("SELECT product_code, date, {sums} FROM ml_inventory_daily", sums=columns))}
    assert got == {key: sums.row() for key, sums in daily.items()}
    got = {(r[0], r[1]): r[2:] for r in system.query(composed("SELECT product_code, month, {sums} FROM ml_inventory_monthly", sums=columns))}
    assert got == {key: sums.row() for key, sums in monthly.items()}
    assert_redis_agrees(system, sent)


def event_row(data: dict[str, Any]) -> tuple[Any, ...]:
    """An event's row: product, type, quantity, cost, value, instant, warehouse, customer, local day."""
    quantity, cost = Decimal(str(data["quantidade"])), Decimal(str(data["custo_unitario"]))
    when = instant(data["data_movimentacao"])
    return (
        data["codigo_produto"], data["tipo_movimentacao"], quantity, cost, quantity * cost, when, data["deposito"],
        data.get("cliente"), when.astimezone(ZONE).date(),
    )  # fmt: skip


def newest_of_products(sent: list[tuple[tuple[int, int], dict[str, Any]]]) -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Each product's newest event by timestamp, then position: (event id, its row)."""
    found: dict[str, Any] = {}
    for event_id, (position, data) in newest(sent).items():
        row = event_row(data)
        rank = (row[5], position)
        if row[0] not in found or found[row[0]][0] < rank:
            found[row[0]] = (rank, event_id, row)
    return {code: (event_id, row) for code, (_, event_id, row) in found.items()}


def assert_redis_agrees(system: Any, sent: list[tuple[tuple[int, int], dict[str, Any]]]) -> None:
    """Redis holds exactly the hashes that `sent` makes, each with its end."""
    daily, monthly = aggregates(sent)
    today = datetime.now(ZONE).date()
    expected = {
        f"agg:daily:{code}:{day.isoformat()}": sums
        for (code, day), sums in daily.items()
        if day >= today - timedelta(days=7)
    }
    ends = {
        f"agg:daily:{code}:{day.isoformat()}": local_midnight(day + timedelta(days=8)) for code, day in daily
    } | {
        f"agg:monthly:{code}:{month.year}-{month.month}": local_midnight(first_of_next(month) + timedelta(days=365))
        for code, month in monthly
    }
    oldest = (today - timedelta(days=365)).replace(day=1)
    expected |= {
        f"agg:monthly:{code}:{month.year}-{month.month}": sums
        for (code, month), sums in monthly.items()
        if month >= oldest
    }
    keys = sorted(system.redis.scan_iter("agg:*", count=5000))
    assert keys == sorted(expected)
    pipeline = system.redis.pipeline()
    for key in keys:
        pipeline.hgetall(key)
        pipeline.pttl(key)
    answers = iter(pipeline.execute())
    for key, held, left in zip(keys, answers, answers, strict=True):
        sums = expected[key]
        assert int(held["transactions"]) == sums.transactions, key
        assert (Decimal(held["volume"]), Decimal(held["value"])) == (sums.volume, sums.value), key
        assert_ends(system, key, left, ends[key])
    latest = newest_of_products(sent)
    assert sorted(system.redis.scan_iter("inventory:realtime:*", count=5000)) == sorted(
        f"inventory:realtime:{code}" for code in latest
    )
    for code in latest:
        pipeline.hgetall(f"inventory:realtime:{code}")
        pipeline.pttl(f"inventory:realtime:{code}")
    answers = iter(pipeline.execute())
    written = dict(system.query("SELECT event_id, extract(epoch FROM updated_at)::float FROM ml_inventory_realtime"))
    for (code, (event_id, row)), held, left in zip(latest.items(), answers, answers, strict=True):
        assert (held["event_id"], held["product_code"]) == (event_id, code)
        numbers = tuple(Decimal(held[c]) for c in ("quantity", "unit_cost", "value_total"))
        assert numbers == row[2:5], code
        assert datetime.fromisoformat(held["timestamp"].replace("Z", "+00:00")) == row[5], code
        assert held.get("customer") == row[7], code
        assert_ends(system, code, left, written[event_id] + 3600)


def assert_ends(system: Any, key: str, left: int, expected: float) -> None:
    """A key that lives for `left` milliseconds more ends at the moment expected."""
    seconds, micros = system.redis.time()
    assert abs(seconds + micros / 1e6 + left / 1e3 - expected) < 5, (key, left)


def local_midnight(day: date) -> float:
    """The moment at which a local day begins; where a clock change skips that, the change."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp()


def first_of_next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
