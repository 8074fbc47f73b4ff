"""Events to send: one literal, the month of real movements, random ones."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Data = dict[str, Any]
ZONE = ZoneInfo("America/Sao_Paulo")
_HERE = Path(__file__).resolve().parent
SAMPLE = _HERE / "data" / "online-retail-sample.csv"


def event(**changes: Any) -> Data:
    """A sound inventory event; a field set to ... is left out."""
    data: Data = {
        "id_evento": "E1",
        "codigo_produto": "P1",
        "tipo_movimentacao": "ENTRADA",
        "quantidade": "10",
        "custo_unitario": "2.50",
        "data_movimentacao": "2024-05-01T10:00:00",
        "deposito": "D1",
        **changes,
    }
    return {k: v for k, v in data.items() if v is not ...}


def native(data: Data, table: str = "inventory_transactions") -> bytes:
    return json.dumps({"table": table, "data": data}).encode()


def debezium(
    after: Data | None,
    *,
    op: str = "c",
    before: Data | None = None,
    columns: Data | None = None,
    **source: Any,
) -> bytes:
    """A change as Debezium's PostgreSQL connector sends it; a field of its source set to ... is left out.

    With `columns` (each column's Connect schema) it is in the `{"schema", "payload"}` wrapper.
    """
    place = {
        "connector": "postgresql",
        "ts_ms": 1714568400123,
        "snapshot": "false",
        "table": "inventory_transactions",
        "sequence": '["24023119","24023128"]',
        "lsn": 24023128,
        **source,
    }
    payload = {
        "before": before,
        "after": after,
        "source": {k: v for k, v in place.items() if v is not ...},
        "op": op,
        "ts_ms": 1714568400456,
    }
    if columns is None:
        return json.dumps(payload).encode()
    rows = [{"type": "struct", "fields": connect_fields(columns), "field": image} for image in ("before", "after")]
    return json.dumps({"schema": {"type": "struct", "fields": rows}, "payload": payload}).encode()


def debezium_key(columns: Data | None = None, **fields: Any) -> bytes:
    """The key of such a record: the row's primary key; with `columns` in the wrapper."""
    if columns is None:
        return json.dumps(fields).encode()
    return json.dumps({"schema": {"type": "struct", "fields": connect_fields(columns)}, "payload": fields}).encode()


def connect_fields(columns: Data) -> list[Data]:
    return [{**schema, "field": name} for name, schema in columns.items()]


def retail_file() -> Path:
    """The whole month where it lies beside the project (or CASTRO_RETAIL_DATA), else the sample kept here."""
    named = os.environ.get("CASTRO_RETAIL_DATA")
    beside = _HERE.parent.parent / "shared" / "data" / "online-retail" / "2010-12.csv.gz"
    for path in ([Path(named)] if named else []) + [beside]:
        if path.exists():
            return path
    return SAMPLE


def retail_sample() -> list[Data]:
    """The sample kept here, undated."""
    return [{n: v for n, v in e.items() if n != "data_movimentacao"} for e in retail_events(path=SAMPLE)]


def retail_events(shift_to_today: bool = True, path: Path | None = None) -> list[Data]:
    """Real movements; by whole days shifted so that the last ones are of yesterday, so some are cached."""
    path = path or retail_file()
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = list(csv.DictReader(line for line in data.decode().splitlines() if not line.startswith("#")))
    last = max(datetime.fromisoformat(r["InvoiceDate"]) for r in rows)
    yesterday = datetime.now(ZONE).replace(tzinfo=None) - timedelta(days=1)
    shift = timedelta(days=(yesterday.date() - last.date()).days) if shift_to_today else timedelta(0)
    events = []
    for n, row in enumerate(rows, 1):
        customer = {"cliente": row["CustomerID"].removesuffix(".0")} if row["CustomerID"] else {}
        events.append(
            {
                "id_evento": f"{row['InvoiceNo']}-{n}",
                "codigo_produto": row["StockCode"],
                "tipo_movimentacao": "SAIDA" if float(row["Quantity"]) > 0 else "DEVOLUCAO",
                "quantidade": int(row["Quantity"]),
                "custo_unitario": row["UnitPrice"],
                "data_movimentacao": (datetime.fromisoformat(row["InvoiceDate"]) + shift).isoformat(" "),
                "deposito": row["Country"],
                **customer,
            }
        )
    return events


def random_events(generator: random.Random, count: int, prefix: str = "R") -> list[Data]:
    """Events of few products over the last month, some of them corrections that move day or product."""
    now = datetime.now(ZONE).replace(tzinfo=None, microsecond=0)
    events = []
    for _ in range(count):
        when = now - timedelta(minutes=generator.randrange(1, 40_000))
        events.append(
            event(
                id_evento=f"{prefix}{generator.randrange(max(1, count * 3 // 4))}",
                codigo_produto=f"P{generator.randrange(20)}",
                tipo_movimentacao=generator.choice(["ENTRADA", "SAIDA", "AJUSTE"]),
                quantidade=f"{generator.randrange(-5_000_000, 50_000_000) / 10**6:.6f}",
                custo_unitario=f"{generator.randrange(0, 10**8) / 10**4:.4f}",
                data_movimentacao=when.isoformat(),
            )
        )
    return events


def random_three(generator: random.Random, count: int, days: int = 120, products: int = 8) -> dict[str, list[Data]]:
    """Movements, sales and purchases of few products over `days`, returns and corrections that move days among them;
    some are dated tomorrow, some come at the same instant."""
    now = datetime.now(ZONE).replace(tzinfo=None, second=0, microsecond=0)
    found: dict[str, list[Data]] = {"inventory": [], "sales": [], "procurement": []}
    for _ in range(count):
        stream = generator.choice(list(found))
        ago = generator.choice([-1, 0, 6, 7, 29, 30, 89, 90, *[generator.randrange(days)] * 4])  # the windows' ends, too
        # Of tomorrow only its first moment, which is never further ahead than is allowed.
        when = (now - timedelta(days=ago)).replace(hour=generator.choice([0, 12]) if ago >= 0 else 0, minute=0).isoformat()
        data = {
            "id_evento": f"T{generator.randrange(max(1, count * 3 // 4))}",
            "codigo_produto": f"P{generator.randrange(products)}",
            "quantidade": f"{generator.randrange(-2_000_000, 50_000_000) / 10**6:.6f}",
        }
        price = f"{generator.randrange(0, 10**8) / 10**4:.4f}"
        if stream == "inventory":
            kind = generator.choice(["ENTRADA", "SAIDA", "AJUSTE"])
            data |= {"tipo_movimentacao": kind, "custo_unitario": price, "data_movimentacao": when, "deposito": "D"}
        elif stream == "sales":
            customer = f"C{generator.randrange(5)}"
            data |= {"preco_unitario": price, "data_pedido": when, "cliente": customer, "numero_pedido": "PV"}
        else:
            supplier = f"F{generator.randrange(5)}"
            data |= {"custo_unitario": price, "data_compra": when, "fornecedor": supplier, "numero_pedido": "PC"}
        found[stream].append(data)
    return found


def random_master_data(generator: random.Random, products: int = 12) -> tuple[list[Data], list[Data]]:
    """Rows of the master data and of the stock levels, for some of the products of random_three and for others; any of
    their optional values may be absent."""

    def perhaps(value: Any) -> Any:
        return value if generator.random() < 0.7 else None

    def amount() -> Decimal:
        return Decimal(generator.randrange(-10_000_000, 500_000_000)) / 10**6

    today, master, levels = datetime.now(ZONE).date(), [], []
    for number in range(products):
        code = f"P{number}"
        if generator.random() < 0.7:
            master.append({
                "product_code": code, "description": perhaps(f"Leite {number}"), "category": perhaps("Laticínios"),
                "product_class": perhaps(generator.choice("ABC")), "critical": perhaps(generator.random() < 0.5),
                "active": perhaps(generator.random() < 0.5), "main_supplier": perhaps("F1"), "standard_cost": perhaps(amount()),
                "lead_time_days": perhaps(generator.randrange(90)), "minimum_stock": perhaps(amount()),
            })  # fmt: skip
        if generator.random() < 0.7:
            levels += [
                {"product_code": code, "warehouse": place, "quantity_available": amount(), "quantity_reserved": perhaps(amount()),
                 "minimum_stock": perhaps(amount()), "as_of": perhaps(today - timedelta(days=generator.choice([0, 1, 7, 100])))}
                for place in generator.sample(["D1", "D2", "D3"], generator.randrange(1, 4))
            ]  # fmt: skip
    return master, levels
