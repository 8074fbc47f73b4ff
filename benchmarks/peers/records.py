"""The bytes of a load, the same for the same load and day. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any

from benchmarks.peers.loads import Load

Record = tuple[int, bytes]  # partition, value
_BROKEN = 5  # kinds of unusable records
_MEMORY = 5_000  # events that a correction may be of


def records(load: Load, until: date) -> Iterator[Record]:
    """The load's records in the order in which they are produced; the newest are of the day before `until`.

    A correction has its event's id and comes to the same partition, as with any topic that is keyed by the id.
    """
    chance = random.Random(load.seed)
    products = _Products(load, chance)
    begin = datetime.combine(until - timedelta(days=load.days), time())
    step = timedelta(days=load.days) / load.events
    recent: list[tuple[int, dict[str, Any]]] = []
    for number in range(load.events):
        draw = chance.random()
        if draw < load.rejects:
            yield (
                number % load.partitions,
                unusable(number, movement(number, products.draw(), begin + step * number, chance)),
            )
        elif draw < load.rejects + load.corrections and recent:
            partition, data = chance.choice(recent)
            yield partition, encoded(corrected(data, chance))
        else:
            data = movement(number, products.draw(), begin + step * number, chance)
            partition = number % load.partitions
            if load.corrections:
                _remember(recent, (partition, data), number)
            yield partition, encoded(data)


class _Products:
    """Draws product codes; with a skew as 1 / rank ** skew."""

    def __init__(self, load: Load, chance: random.Random) -> None:
        self._chance = chance
        self._codes = [f"P{n:05d}" for n in range(load.products)]
        self._weights = list(accumulate(1 / (rank + 1) ** load.skew for rank in range(load.products)))

    def draw(self) -> str:
        return self._chance.choices(self._codes, cum_weights=self._weights)[0]


def movement(number: int, product: str, when: datetime, chance: random.Random) -> dict[str, Any]:
    """A stock movement's `data`. Prices are text, quantities JSON numbers: both are met."""
    data: dict[str, Any] = {
        "id_evento": f"M{number:09d}",
        "codigo_produto": product,
        "tipo_movimentacao": chance.choice(("ENTRADA", "SAIDA", "SAIDA", "AJUSTE")),
        "quantidade": chance.randrange(1, 4_000) / 4,
        "custo_unitario": f"{chance.randrange(1, 1_000_000) / 100:.2f}",
        "data_movimentacao": when.isoformat(timespec="milliseconds"),
        "deposito": chance.choice(("CASTRO", "PIRAI", "ARAPOTI")),
    }
    if number % 3 == 0:
        data["fornecedor"] = f"F{number % 400:04d}"
    elif number % 3 == 1:
        data["cliente"] = f"C{number % 2_000:05d}"
    return data


def corrected(data: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same event with another quantity and cost; one in ten is of another day."""
    changed = {
        **data,
        "quantidade": chance.randrange(1, 4_000) / 4,
        "custo_unitario": f"{chance.randrange(1, 1_000_000) / 100:.2f}",
    }
    if chance.random() < 0.1:
        moved = datetime.fromisoformat(data["data_movimentacao"]) - timedelta(days=1)
        changed["data_movimentacao"] = moved.isoformat(timespec="milliseconds")
    return changed


def encoded(data: dict[str, Any]) -> bytes:
    return json.dumps({"table": "inventory_transactions", "data": data}).encode()


def unusable(number: int, data: dict[str, Any]) -> bytes:
    """A record that no table may get: cut, a number as words, a field missing, a negative cost, no object."""
    kind = number % _BROKEN
    if kind == 0:
        return encoded(data)[:-20]
    if kind == 1:
        data["quantidade"] = "doze"
    elif kind == 2:
        del data["codigo_produto"]
    elif kind == 3:
        data["custo_unitario"] = "-1.00"
    else:
        return b'"movimento"'
    return encoded(data)


def _remember(recent: list[tuple[int, dict[str, Any]]], made: tuple[int, dict[str, Any]], number: int) -> None:
    if len(recent) < _MEMORY:
        recent.append(made)
    else:
        recent[number % _MEMORY] = made
