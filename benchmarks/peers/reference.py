"""What a load must end as, by a plain Python oracle over its bytes; and what a contestant's tables and Redis hold.

Tables are compared by a digest: the count of rows and the sum of a 64-bit hash of each row's canonical text, which
Python makes of the oracle's rows and PostgreSQL of the tables. Redis is compared key by key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from benchmarks.peers.records import Record
from tests import oracle
from tests.system import System

_SQL = Path(__file__).with_name("sql")
_EVENTS, _DAILY, _MONTHLY = "events", "daily", "monthly"
TABLES = {_EVENTS: "ml_inventory_realtime", _DAILY: "ml_inventory_daily", _MONTHLY: "ml_inventory_monthly"}
_NUMBERS = ("quantidade", "custo_unitario")
_REQUIRED = ("id_evento", "codigo_produto", "tipo_movimentacao", *_NUMBERS, "data_movimentacao", "deposito")
_CACHED_DAYS, _CACHED_MONTH_DAYS = 7, 365


@dataclass(frozen=True)
class Digest:
    """Rows, and the sum of their hashes."""

    rows: int
    hashes: int

    @classmethod
    def of(cls, rows: Iterable[str]) -> Digest:
        count = total = 0
        for row in rows:
            count += 1
            total += int.from_bytes(hashlib.md5(row.encode(), usedforsecurity=False).digest()[:8], "big", signed=True)
        return cls(count, total)


@dataclass(frozen=True)
class Reference:
    """The end state of a load: digests by table, the Redis hashes' fields by key, and how many records are unusable."""

    records: int
    digests: Mapping[str, Digest]
    hashes: Mapping[str, Mapping[str, Decimal | str]] = field(repr=False)
    rejects: int = 0


def reference(made: Iterable[Record], today: date) -> Reference:
    """The reference of a load's records."""
    sent: list[tuple[tuple[int, int], dict[str, Any]]] = []
    offsets: dict[int, int] = {}
    records = rejects = 0
    for partition, value in made:
        records += 1
        offset = offsets[partition] = offsets.get(partition, -1) + 1
        data = usable(value)
        if data is None:
            rejects += 1
        else:
            sent.append(((partition, offset), data))
    daily, monthly = oracle.aggregates(sent)
    newest = oracle.newest(sent)
    digests = {
        _EVENTS: Digest.of(event_text(event_id, data) for event_id, (_, data) in newest.items()),
        _DAILY: Digest.of(sums_text(code, day, sums) for (code, day), sums in daily.items()),
        _MONTHLY: Digest.of(sums_text(code, month, sums) for (code, month), sums in monthly.items()),
    }
    return Reference(records, digests, _hashes(sent, daily, monthly, today), rejects)


def usable(value: bytes) -> dict[str, Any] | None:
    """A record's data; None if no table may get it."""
    try:
        document = json.loads(value, parse_float=Decimal)
        data = document["data"]
        numbers = [Decimal(str(data[name])) for name in _NUMBERS]
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return None
    whole = all(data.get(name) for name in _REQUIRED) and all(n.is_finite() for n in numbers) and numbers[1] >= 0
    return data if whole else None


def plain(number: Decimal) -> str:
    """As PostgreSQL's trim_scale(...)::text."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def event_text(event_id: str, data: Mapping[str, Any]) -> str:
    """An event's row as sql/digest_events.sql writes it."""
    code, kind, quantity, cost, value, when, warehouse, customer, day = oracle.event_row(dict(data))
    return "|".join((
        event_id, code, kind, plain(quantity), plain(cost), plain(value), str(round(when.timestamp() * 1000)),
        warehouse, data.get("fornecedor") or "", customer or "", day.isoformat(), str(day.month),
        str((day.month + 2) // 3), str(day.weekday()), "true" if day.weekday() >= 5 else "false",
    ))  # fmt: skip


def sums_text(code: str, first: date, sums: oracle.Sums) -> str:
    """A daily or monthly row as sql/digest_daily.sql and digest_monthly.sql write it."""
    transactions, *amounts = sums.row()
    return "|".join((code, first.isoformat(), str(transactions), *(plain(amount) for amount in amounts)))


def _hashes(
    sent: list[tuple[tuple[int, int], dict[str, Any]]],
    daily: Mapping[tuple[str, date], oracle.Sums],
    monthly: Mapping[tuple[str, date], oracle.Sums],
    today: date,
) -> dict[str, dict[str, Decimal | str]]:
    oldest_day = today - timedelta(days=_CACHED_DAYS)
    oldest_month = (today - timedelta(days=_CACHED_MONTH_DAYS)).replace(day=1)

    def fields(sums: oracle.Sums) -> dict[str, Decimal | str]:
        return {"transactions": Decimal(sums.transactions), "volume": sums.volume, "value": sums.value}

    hashes = {f"agg:daily:{c}:{d.isoformat()}": fields(s) for (c, d), s in daily.items() if d >= oldest_day}
    hashes |= {f"agg:monthly:{c}:{m.year}-{m.month}": fields(s) for (c, m), s in monthly.items() if m >= oldest_month}
    for code, (event_id, row) in oracle.newest_of_products(sent).items():
        hashes[f"inventory:realtime:{code}"] = {"event_id": event_id, "quantity": row[2], "unit_cost": row[3]}
    return hashes


# ------------------------------------------------------------------------------------------- what a contestant has


def differences(system: System, expected: Reference, *, aggregates: bool, hashes: bool) -> list[str]:
    """What differs from the reference, in words; empty if all is equal."""
    tables = list(TABLES) if aggregates else [_EVENTS]
    found = []
    for table in tables:
        has, wanted = digest(system, table), expected.digests[table]
        if has != wanted:
            unequal = ", not equal" if has.rows == wanted.rows else ""
            found.append(f"{table}: {has.rows:,} rows of {wanted.rows:,}{unequal}")
    return found + (_different_hashes(system, expected) if hashes else [])


def digest(system: System, table: str) -> Digest:
    rows, hashes = system.query((_SQL / f"digest_{table}.sql").read_text())[0]
    return Digest(rows, int(hashes or 0))


def _different_hashes(system: System, expected: Reference) -> list[str]:
    patterns = ("agg:daily:*", "agg:monthly:*", "inventory:realtime:*")  # of inventory: other streams have other names
    keys = sorted(key for pattern in patterns for key in system.redis.scan_iter(pattern, count=5000))
    wanted = sorted(expected.hashes)
    if keys != wanted:
        missing, extra = len(set(wanted) - set(keys)), len(set(keys) - set(wanted))
        return [f"Redis: {missing:,} keys missing, {extra:,} too many of {len(wanted):,}"]
    different = without_end = 0
    for begin in range(0, len(keys), 5_000):
        part = keys[begin : begin + 5_000]
        pipeline = system.redis.pipeline(transaction=False)
        for key in part:
            pipeline.hgetall(key)
            pipeline.pttl(key)
        answers = iter(pipeline.execute())
        for key, held, left in zip(part, answers, answers, strict=True):
            different += any(not _same(held.get(name), value) for name, value in expected.hashes[key].items())
            without_end += left < 0
    words = [f"Redis: {different:,} of {len(keys):,} hashes differ"] if different else []
    return words + ([f"Redis: {without_end:,} hashes never expire"] if without_end else [])


def _same(held: str | None, wanted: Decimal | str) -> bool:
    if held is None:
        return False
    return held == wanted if isinstance(wanted, str) else Decimal(held) == wanted


def local_day(moment: datetime) -> date:
    """The business day of a moment."""
    return moment.astimezone(oracle.ZONE).date()
