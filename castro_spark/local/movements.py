"""Realistic records for the demo: a cooperative's stock movements, sales, purchases, corrections, and bad records."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from confluent_kafka import Producer

_PRODUCTS = {"LEITE-UHT-1L": 3.79, "MANTEIGA-200G": 9.45, "QUEIJO-PRATO-KG": 38.9, "SOJA-SACA": 131.0,
             "MILHO-SACA": 58.5, "RACAO-25KG": 74.25, "TRIGO-SACA": 82.0, "SUINO-VIVO-KG": 6.12}  # fmt: skip
_WAREHOUSES = ("CASTRO", "PONTA-GROSSA", "PIRAI-DO-SUL", "ITABERA")
_CUSTOMERS = ("COOPAGRICOLA", "MERCADO-SUL", "LATICINIOS-PR", "EXPORT-PARANAGUA")
_SUPPLIERS = ("FAZENDA-SANTA-RITA", "SITIO-BOA-VISTA", "NUTRI-RACOES")
_SHARES = {"inventory": 6, "sales": 3, "procurement": 1}  # per ten records
_ITEMS = 3  # per order
_CORRECTED = 0.01  # share of the records
_NO_ENVELOPE, _BAD_NUMBER, _BAD_TIME = 0.0005, 0.001, 0.0015  # cumulative shares of each kind of fault
_BAD = (b"{not json", b'{"data":{}}', b"[]")

Fields = dict[str, Any]


def _inventory(chance: random.Random, cost: float, when: datetime) -> Fields:
    return {
        "tipo_movimentacao": chance.choices(["ENTRADA", "SAIDA", "AJUSTE"], [4, 5, 1])[0],
        "custo_unitario": f"{cost * chance.uniform(0.95, 1.05):.4f}",
        "data_movimentacao": when.isoformat(timespec="milliseconds"),
        "deposito": chance.choice(_WAREHOUSES),
    }


def _sales(chance: random.Random, cost: float, when: datetime) -> Fields:
    return {
        "preco_unitario": f"{cost * chance.uniform(1.2, 1.4):.2f}",
        "data_pedido": when.isoformat(timespec="milliseconds"),
        "cliente": chance.choice(_CUSTOMERS),
    }


def _procurement(chance: random.Random, cost: float, when: datetime) -> Fields:
    return {
        "custo_unitario": f"{cost * chance.uniform(0.9, 1.0):.4f}",
        "data_compra": when.isoformat(timespec="milliseconds"),
        "fornecedor": chance.choice(_SUPPLIERS),
        "previsao_entrega": (when + timedelta(days=chance.randrange(2, 20))).date().isoformat(),
    }


_KINDS: dict[str, tuple[str, str, Callable[[random.Random, float, datetime], Fields]]] = {
    # stream: (value of `table`, its time field, its specific fields)
    "inventory": ("inventory_transactions", "data_movimentacao", _inventory),
    "sales": ("sales_orders", "data_pedido", _sales),
    "procurement": ("purchases", "data_compra", _procurement),
}


def _identity(stream: str, run: str, event: int) -> Fields:
    """The id, as composed from the columns of streams.X.history.key: a movement's number, or order number and item."""
    if stream == "inventory":
        return {"id_evento": f"TR-{run}-{event:07d}"}
    order = f"{'PV' if stream == 'sales' else 'PC'}-{run}-{event // _ITEMS:07d}"
    return {"id_evento": f"{order}|{event % _ITEMS + 1}", "numero_pedido": order}


def movements(timezone: str, seed: int = 1) -> Iterator[tuple[str, str, bytes]]:
    """Endless (stream, key, value) of records; about one in a hundred is a correction or a bad record."""
    chance = random.Random(seed)
    number = dict.fromkeys(_SHARES, 0)
    run = f"{int(time.time()):x}"  # part of the ids: another run sends new events, not corrections of these
    while True:
        stream = chance.choices(list(_SHARES), list(_SHARES.values()))[0]
        table, time_field, own = _KINDS[stream]
        number[stream] += 1
        when = datetime.now(ZoneInfo(timezone)) - timedelta(minutes=chance.expovariate(1 / 600))
        corrected = chance.random() < _CORRECTED and number[stream] > 1
        event = chance.randrange(1, number[stream]) if corrected else number[stream]
        # Chosen by the event's number: a correction has the same product, so it is later in the same partition.
        product, cost = list(_PRODUCTS.items())[event % len(_PRODUCTS)]
        data = {
            **_identity(stream, run, event),
            "codigo_produto": f"{product}-{event * 7919 % 200:03d}",
            "quantidade": chance.randrange(1, 400),
            **own(chance, cost, when),
        }
        fault = chance.random()
        if fault < _NO_ENVELOPE:
            yield stream, "", chance.choice(_BAD)
            continue
        if fault < _BAD_NUMBER:
            data["quantidade"] = "12,5"
        elif fault < _BAD_TIME:
            data[time_field] = "2999-01-01"
        yield stream, data["codigo_produto"], json.dumps({"table": table, "data": data}).encode()


def send(
    servers: str, topics: Mapping[str, str], timezone: str, *, rate: int, seconds: float, stopping: Event
) -> int:
    """Sends records to each stream's topic, `rate` a second for `seconds`, or until `stopping`; returns how many."""
    # Idempotent, so that a movement and its correction keep their order also where a batch is sent again. The client
    # warns while a broker that has just started cannot number its producers yet: errors alone are of interest.
    settings = {"enable.idempotence": True, "linger.ms": 5, "log_level": 3}
    producer = Producer({"bootstrap.servers": servers, **settings})
    sent = 0
    began = time.monotonic()
    for stream, key, value in movements(timezone):
        passed = time.monotonic() - began
        if passed >= seconds or stopping.is_set():
            break
        if sent > passed * rate:
            time.sleep(sent / rate - passed)
        producer.poll(0)
        producer.produce(topics[stream], value, key=key)
        sent += 1
    producer.flush(30)
    return sent
