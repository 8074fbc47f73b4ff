"""The hashes of the plain consumer, pipelined: absolute values, each with its fixed end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import redis

_ZONE = ZoneInfo("America/Sao_Paulo")
_DAYS, _MONTH_DAYS, _NEWEST_SECONDS = 7, 365, 3_600
_AT_ONCE = 5_000
_NEWEST = (
    "product_code", "event_id", "transaction_type", "quantity", "unit_cost", "value_total", "timestamp", "warehouse",
    "supplier", "customer", "date", "month", "quarter", "day_of_week", "is_weekend", "created_at", "updated_at",
)  # fmt: skip


class Hashes:
    def __init__(self, url: str, password: str | None) -> None:
        self._redis = redis.Redis.from_url(url, password=password)

    def oldest_day(self) -> date:
        return datetime.now(_ZONE).date() - timedelta(days=_DAYS)

    def oldest_month(self) -> date:
        return (datetime.now(_ZONE).date() - timedelta(days=_MONTH_DAYS)).replace(day=1)

    def write(self, *changed: Iterable[tuple[Any, ...]]) -> None:
        """Days, months, and newest events, as the statements return them."""
        daily, monthly, newest = changed
        pipeline, waiting = self._redis.pipeline(transaction=False), 0

        def put(key: str, fields: dict[str, Any] | None, ends: int) -> None:
            nonlocal waiting
            pipeline.delete(key)
            if fields:
                pipeline.hset(key, mapping=fields)
                pipeline.expireat(key, ends)
            waiting += 1
            if waiting >= _AT_ONCE:
                pipeline.execute()
                waiting = 0

        for code, day, transactions, volume, value in daily:
            put(
                f"agg:daily:{code}:{day.isoformat()}",
                _sums(transactions, volume, value),
                _midnight(day + timedelta(_DAYS + 1)),
            )
        for code, month, transactions, volume, value in monthly:
            ends = (month + timedelta(31)).replace(day=1) + timedelta(_MONTH_DAYS)
            put(f"agg:monthly:{code}:{month.year}-{month.month}", _sums(transactions, volume, value), _midnight(ends))
        ends = int(datetime.now().timestamp()) + _NEWEST_SECONDS
        for row in newest:
            fields = {name: text for name, text in zip(_NEWEST, row, strict=True) if text is not None}
            put(f"inventory:realtime:{row[0]}", fields, ends)
        pipeline.execute()


def _sums(transactions: int, volume: str, value: str) -> dict[str, Any] | None:
    return {"transactions": transactions, "volume": volume, "value": value} if transactions else None


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=_ZONE).timestamp())
