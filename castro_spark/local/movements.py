"""Realistic stock movements for the demo: products of a cooperative, corrections, and a few bad records."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

from confluent_kafka import Producer

_PRODUCTS = {"LEITE-UHT-1L": 3.79, "MANTEIGA-200G": 9.45, "QUEIJO-PRATO-KG": 38.9, "SOJA-SACA": 131.0,
             "MILHO-SACA": 58.5, "RACAO-25KG": 74.25, "TRIGO-SACA": 82.0, "SUINO-VIVO-KG": 6.12}  # fmt: skip
_WAREHOUSES = ("CASTRO", "PONTA-GROSSA", "PIRAI-DO-SUL", "ITABERA")
_CORRECTED = 0.01  # shares of the records
_NO_ENVELOPE, _BAD_NUMBER, _BAD_TIME = 0.0005, 0.001, 0.0015  # where each kind of fault ends
_BAD = (b"{not json", b'{"table":"inventory_transactions"}', b"[]")


def movements(timezone: str, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Endless (key, value) of records; each thousandth or so is a correction or cannot be used."""
    generator = random.Random(seed)
    number = 0
    run = f"{int(time.time()):x}"  # another run sends other events, not corrections of these
    while True:
        number += 1
        product, cost = generator.choice(list(_PRODUCTS.items()))
        when = datetime.now(ZoneInfo(timezone)) - timedelta(minutes=generator.expovariate(1 / 600))
        code = f"{product}-{generator.randrange(200):03d}"
        corrected = generator.random() < _CORRECTED and number > 1
        data = {
            "id_evento": f"{run}-{generator.randrange(1, number) if corrected else number:07d}",
            "codigo_produto": code,
            "tipo_movimentacao": generator.choices(["ENTRADA", "SAIDA", "AJUSTE"], [4, 5, 1])[0],
            "quantidade": generator.randrange(1, 400),
            "custo_unitario": f"{cost * generator.uniform(0.95, 1.05):.4f}",
            "data_movimentacao": when.isoformat(timespec="milliseconds"),
            "deposito": generator.choice(_WAREHOUSES),
        }
        fault = generator.random()
        if fault < _NO_ENVELOPE:
            yield "", generator.choice(_BAD)
            continue
        if fault < _BAD_NUMBER:
            data["quantidade"] = "12,5"
        elif fault < _BAD_TIME:
            data["data_movimentacao"] = "2999-01-01"
        yield code, json.dumps({"table": "inventory_transactions", "data": data}).encode()


def send(servers: str, topic: str, timezone: str, *, rate: int, seconds: float, stopping: Event) -> int:
    """Sends movements at `rate` a second for `seconds`, or until `stopping`; returns how many."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5})
    sent = 0
    began = time.monotonic()
    for key, value in movements(timezone):
        passed = time.monotonic() - began
        if passed >= seconds or stopping.is_set():
            break
        if sent > passed * rate:
            time.sleep(sent / rate - passed)
        producer.poll(0)
        producer.produce(topic, value, key=key)
        sent += 1
    producer.flush(30)
    return sent
