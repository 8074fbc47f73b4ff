"""Half a year of three products, always the same: what the notebooks show. Demand has a weekly rhythm, a slow wave, and
chance; deliveries come on Mondays."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from typing import Any

Data = dict[str, Any]
_PRODUCTS = {"LEITE-UHT-1L": (3.79, 400), "MANTEIGA-200G": (9.45, 120), "QUEIJO-PRATO-KG": (38.9, 45)}  # cost, sales a day
_FIRST, _DAYS = date(2025, 1, 1), 181
_WEEK = (1.1, 1.0, 0.9, 1.0, 1.3, 1.5, 0.4)  # Monday first
_CUSTOMERS = ("COOPAGRICOLA", "MERCADO-SUL", "LATICINIOS-PR")
_SUPPLIERS = ("FAZENDA-SANTA-RITA", "SITIO-BOA-VISTA")


def season() -> dict[str, list[Data]]:
    """The events of each stream, as the fields of native records."""
    chance = random.Random(2025)
    found: dict[str, list[Data]] = {"inventory": [], "sales": [], "procurement": []}
    for product, (start, usual) in _PRODUCTS.items():
        unit = start
        wanted = 12 * usual  # since the last delivery; at first a stock
        for number in range(_DAYS):
            day = _FIRST + timedelta(days=number)
            one = f"{product}-{number}"
            unit *= chance.uniform(0.995, 1.006)
            if number == 0 or day.weekday() == 0:
                bought = {"codigo_produto": product, "quantidade": wanted, "custo_unitario": f"{unit:.4f}",
                          "fornecedor": chance.choice(_SUPPLIERS)}  # fmt: skip
                when = f"{day}T07:30:00"
                found["procurement"].append({**bought, "id_evento": f"PC-{one}|1", "numero_pedido": f"PC-{one}", "data_compra": when})
                found["inventory"].append({**bought, "id_evento": f"TR-{one}-E", "tipo_movimentacao": "ENTRADA",
                                           "data_movimentacao": when, "deposito": "CASTRO"})  # fmt: skip
                wanted = 0
            wave = 1 + 0.25 * math.sin(2 * math.pi * number / 120)
            sold = max(1, round(usual * _WEEK[day.weekday()] * wave * chance.gauss(1, 0.18)))
            wanted += sold
            when = f"{day}T{chance.randrange(8, 19):02d}:{chance.randrange(60):02d}:00"
            own = {"codigo_produto": product, "quantidade": sold, "cliente": chance.choice(_CUSTOMERS)}
            price = f"{unit * chance.uniform(1.25, 1.35):.2f}"
            found["sales"].append({**own, "id_evento": f"PV-{one}|1", "numero_pedido": f"PV-{one}", "preco_unitario": price, "data_pedido": when})
            found["inventory"].append({**own, "id_evento": f"TR-{one}-S", "tipo_movimentacao": "SAIDA",
                                       "custo_unitario": f"{unit:.4f}", "data_movimentacao": when, "deposito": "CASTRO"})  # fmt: skip
    return found
