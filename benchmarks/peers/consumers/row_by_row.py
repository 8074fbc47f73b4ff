"""One record, one upsert, one commit: the consumer of the source design, for events only.

Its offsets have nothing to do with its commits. A record that cannot be used is logged and dropped.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.peers.consumers.settings import Settings, Topic

log = logging.getLogger(__name__)
_ZONE = ZoneInfo("America/Sao_Paulo")
UPSERT = (Path(__file__).parent.parent / "sql" / "row_by_row_upsert.sql").read_text()


def row(message: Any) -> dict[str, Any]:
    """The columns of a record; raises what comes of a record that has none."""
    data = json.loads(message.value(), parse_float=Decimal)["data"]
    when = datetime.fromisoformat(data["data_movimentacao"]).replace(tzinfo=_ZONE)
    quantity, cost = Decimal(data["quantidade"]), Decimal(data["custo_unitario"])
    if cost < 0:
        raise ValueError(f"negative cost {cost}")
    return {
        "event_id": data["id_evento"], "product_code": data["codigo_produto"],
        "transaction_type": data["tipo_movimentacao"],
        "quantity": quantity, "unit_cost": cost, "timestamp": when, "warehouse": data["deposito"],
        "supplier": data.get("fornecedor"), "customer": data.get("cliente"), "value_total": quantity * cost,
        "date": when.date(), "month": when.month, "quarter": (when.month + 2) // 3, "day_of_week": when.weekday(),
        "is_weekend": when.weekday() >= 5, "partition": message.partition(), "offset": message.offset(),
    }  # fmt: skip


def main(settings: Settings) -> None:
    connection = settings.connect()
    topic = Topic(settings, {})
    print("consuming", flush=True)
    while not topic.is_consumed():
        for message in topic.read(1_000, 0.05):
            try:
                columns = row(message)
            except (ValueError, KeyError, TypeError, ArithmeticError) as error:
                log.warning("dropped: %r", error)
                continue
            with connection, connection.cursor() as cursor:
                cursor.execute(UPSERT, columns)


if __name__ == "__main__":
    main(Settings.read(sys.argv[1]))
