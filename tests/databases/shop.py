"""A database in which products move, are sold and bought, with its Redis: three streams' commits, without a JVM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from castro_spark.page.reading.database import Database, Snapshot
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams import all_streams
from tests.builders import ZONE, Data, native
from tests.consumer import Consumer, with_positions
from tests.databases.alerting import Alerting
from tests.databases.stock import LEVELS, MASTER, Stock, moved

ODD = ("..", "a/b?c=d&e#f", "100% é+ü", "<b>&quot;'", "\\x \u2003y", "%2e%2e")  # codes of products
TABLES = {"inventory": "inventory_transactions", "sales": "sales_orders", "procurement": "purchases"}


class Shop(Stock):
    """A Stock whose products are sold and bought too. Nothing is in Redis or in the view until somebody says so."""

    def __init__(self, alerting: Alerting) -> None:
        super().__init__(alerting)
        others = [stream for name, stream in all_streams().items() if name != "inventory"]
        self._consumers = {"inventory": self.consumer, **{s.name: Consumer(alerting, s, resume=True) for s in others}}  # type: ignore[arg-type]

    def commit(self, stream: str, *events: Data) -> None:
        """The stream commits these events as one batch."""
        consumer = self._consumers[stream]
        first = consumer.positions[0]
        records = [(0, first + n, native(e, TABLES[stream])) for n, e in enumerate(events)]
        staged = stage_on_driver([with_positions(records)], consumer.rules, consumer.positions)
        ends = consumer.ends(records)
        consumer.commit(0, staged, ends)
        consumer.positions = ends

    def publish(self) -> None:
        """Redis gets what the streams committed."""
        for consumer in self._consumers.values():
            consumer.projector.step()
            consumer.projector.disconnect()

    def refresh(self) -> None:
        """The 360° view, in PostgreSQL and in Redis, takes in what was committed."""
        with closing(Product360(self.settings)) as view:
            view.refresh()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A snapshot as a page has it."""
        with closing(Database(self.settings)) as database, database.snapshot() as snapshot:
            yield snapshot

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()


def stocked(shop: Shop) -> None:
    """P1 has everything; M1 is in the master data alone; NEW is not in the view; ODD codes; fifty-five more X000..."""
    today = datetime.now(ZONE).date()
    shop.extract(MASTER, {"product_code": "P1", "description": "Açúcar cristal", "category": "Secos", "minimum_stock": 500, "active": False})
    shop.extract(MASTER, {"product_code": "M1", "description": "Queijo"})
    shop.extract(LEVELS, {"product_code": "P1", "warehouse": "D1", "quantity_available": 100, "as_of": today - timedelta(days=2)})
    days = (40, 3, 1)
    shop.commit("inventory", *(moved("P1", n, "ENTRADA", days_ago=n) for n in days), moved("P1", "2.5", days_ago=1, id="out"))
    shop.commit("sales", *(sold("P1", 1, "1234.5", datetime.now(ZONE) - timedelta(days=n)) for n in days))
    shop.commit("procurement", bought("P1", 7, "1000", datetime.now(ZONE) - timedelta(days=2), previsao_entrega="2026-12-24"))
    shop.commit("sales", *(sold(code, 1) for code in ODD), *(sold(f"X{n:03}", 1) for n in range(55)))
    shop.publish()
    shop.refresh()
    shop.commit("sales", sold("NEW", 1))
    shop.publish()


def sold(code: str, quantity: object, price: str = "4.00", at: datetime | None = None, **changes: object) -> Data:
    """A sale of now."""
    when = (at or datetime.now(ZONE)).isoformat()
    return {
        "id_evento": f"S-{code}-{when}", "codigo_produto": code, "quantidade": str(quantity), "preco_unitario": price,
        "data_pedido": when, "cliente": "C1", "numero_pedido": "V1", **changes,
    }  # fmt: skip


def bought(code: str, quantity: object, cost: str = "2.00", at: datetime | None = None, **changes: object) -> Data:
    """A purchase of now."""
    when = (at or datetime.now(ZONE)).isoformat()
    return {
        "id_evento": f"B-{code}-{when}", "codigo_produto": code, "quantidade": str(quantity), "custo_unitario": cost,
        "data_compra": when, "fornecedor": "F1", "numero_pedido": "C1", **changes,
    }  # fmt: skip
