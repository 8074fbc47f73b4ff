"""Produces a live load at its rate, in a process of its own: `python -m benchmarks.peers.pace SETTINGS_FILE`.

Inventory's records, with the time at which each was sent, go to files, for the reference and the latencies.
"""

from __future__ import annotations

import json
import random
import sys
import time
from array import array
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from benchmarks.peers.loads import PROBE_EVERY, SHARES, Load
from benchmarks.peers.records import Record, encoded, movement
from tests.oracle import ZONE

# Records in a row to one partition, as of a client that fills a batch for it. This one sends each partition's batch as
# a request of its own, so records dealt out in turns would be as many requests, and cost the broker half a core.
_RUN = 8
SENT = "sent"  # in the folder given: when each of inventory's records was sent, Unix seconds as doubles


def partition_of(number: int, partitions: int) -> int:
    """The partition to which a stream's record of this number goes."""
    return number // _RUN % partitions


def number_at(partition: int, offset: int, partitions: int) -> int:
    """The number of the record that is there."""
    runs, rest = divmod(offset, _RUN)
    return (runs * partitions + partition) * _RUN + rest


def probe(number: int) -> str:
    """The product of which a probe's event is the only one."""
    return f"PROBE{number:08d}"


class Pace:
    """Makes the records of each stream, numbered on their own."""

    def __init__(self, load: Load) -> None:
        self._load, self._chance = load, random.Random(load.seed)
        self._numbers = {stream: count() for stream in SHARES}

    def draw(self) -> str:
        """The next record's stream."""
        return self._chance.choices(list(SHARES), weights=list(SHARES.values()))[0]

    def record(self, stream: str, when: datetime) -> Record:
        number = next(self._numbers[stream])
        product = f"P{self._chance.randrange(self._load.products):05d}"
        if stream == "inventory" and number % PROBE_EVERY == 0:
            product = probe(number)
        partition = partition_of(number, self._load.partitions)
        if stream == "inventory":
            return partition, encoded(movement(number, product, when, self._chance))
        return partition, _order(stream, number, product, when)


def _order(stream: str, number: int, product: str, when: datetime) -> bytes:
    data: dict[str, Any] = {
        "id_evento": f"O{number:09d}", "codigo_produto": product, "quantidade": number % 97 + 1,
        "numero_pedido": f"PV-{number // 3}",
    }  # fmt: skip
    moment = when.isoformat(timespec="milliseconds")
    if stream == "sales":
        table, data = "sales_orders", data | {"preco_unitario": "12.50", "data_pedido": moment, "cliente": "C1"}
    else:
        table, data = "purchases", data | {"custo_unitario": "9.75", "data_compra": moment, "fornecedor": "F1"}
    return json.dumps({"table": table, "data": data}).encode()


def main(bootstrap: str, topics: dict[str, str], load: dict[str, Any], begin: float, folder: str) -> None:
    """From `begin` (Unix seconds) on; a record that is late is sent at once."""
    shape = Load(**load)
    pace = Pace(shape)
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
    )  # fmt: skip
    with (Path(folder) / "values").open("wb") as values, (Path(folder) / SENT).open("wb") as sent:
        for number in range(shape.events):
            while (early := begin + number / shape.per_second - time.time()) > 0:
                time.sleep(min(early, 0.01))
            stream = pace.draw()
            partition, value = pace.record(stream, datetime.now(ZONE).replace(tzinfo=None))
            if stream == "inventory":
                array("d", [time.time()]).tofile(sent)
                values.write(b"%d %s\n" % (partition, value))
            producer.produce(topics[stream], value, partition=partition)
            producer.poll(0)
            sent.flush()  # so that the probes are asked for once they are sent, and not before
    assert producer.flush(30) == 0, "Kafka did not take all records"


if __name__ == "__main__":
    main(**json.loads(Path(sys.argv[1]).read_text()))
