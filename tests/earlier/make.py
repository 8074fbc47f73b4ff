"""Makes the folder of a version from a checkout of it:  python -m tests.earlier.make CHECKOUT

The checkout's own jobs do all that is kept: they migrate, stream, archive, and are killed in the end. It needs the
environment of the tests, and a version whose dependencies it has.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from castro_spark.local import Stack
from castro_spark.local.postgres import program
from tests.builders import Data, debezium, debezium_key, event, native
from tests.earlier import STREAMS, TOPICS, topic_ids
from tests.system import System

Record = tuple[bytes | None, bytes | None, int]  # key, value, partition
LEDGER = "SELECT sum(next_offset)::int FROM castro.offset_ledger"
MASTER = """
    INSERT INTO ml_product_master (product_code, description, category, unit, minimum_stock, active, last_modified)
    VALUES ('P1', 'Leite integral', 'Laticínios', 'L', 500, true, '2026-11-20T10:00Z'),
        ('P9', 'Queijo', 'Laticínios', 'KG', 20, true, '2026-11-20T10:00Z');
    INSERT INTO castro.extract_watermark (target, watermark, revision, mode, rows_read)
    VALUES ('ml_product_master', '2026-11-20T10:00Z', 1, 'full', 2)"""


def first() -> dict[str, list[Record]]:
    """What the version consumes, archives and publishes."""
    moved = [
        event(
            id_evento=f"M{n}", codigo_produto=f"P{n % 4}", tipo_movimentacao=("ENTRADA", "SAIDA", "AJUSTE")[n % 3],
            quantidade=f"{n * 7 % 11 + 1}.{n:03}", custo_unitario=f"{n % 5 + 1}.25",
            data_movimentacao=f"2026-{(9, 10, 11)[n % 3]:02}-{n + 1:02}T{n:02}:30:00",
        )
        for n in range(16)
    ]  # fmt: skip
    corrected = {**moved[3], "quantidade": "100", "data_movimentacao": "2026-11-05T08:00:00"}
    bad = event(id_evento="BAD", codigo_produto="P1", quantidade="?", data_movimentacao="2026-11-06T08:00:00")
    inventory = [*natives(moved, "inventory"), *natives([corrected], "inventory", 0), *natives([bad], "inventory", 1)]
    inventory += [
        change(1, "c", 100, quantidade="5"), change(1, "u", 200, quantidade="6.5"), change(2, "c", 300), change(2, "d", 400),
        (None, native(event(), "other_table"), 2), (b"k", None, 2),
    ]  # fmt: skip
    return {
        "inventory": inventory,
        "sales": natives([sale(n) for n in range(8)], "sales"),
        "procurement": natives([purchase(n) for n in range(6)], "procurement"),
    }


def second() -> dict[str, list[Record]]:
    """What it consumes and does not archive any more."""
    late = event(id_evento="LATE", codigo_produto="P2", quantidade="3", data_movimentacao="2026-09-15T12:00:00")
    return {
        "inventory": [*natives([late], "inventory", 2), change(1, "u", 500, quantidade="7")],
        "sales": natives([sale(8), {**sale(2), "quantidade": "50"}], "sales", 0),
        "procurement": natives([purchase(6)], "procurement", 1),
    }


def natives(events: list[Data], stream: str, partition: int | None = None) -> list[Record]:
    """Native records of these events."""
    # A product's records are in one partition: a correction comes after what it corrects.
    return [
        (None, native(data, STREAMS[stream]), int(data["codigo_produto"][1:]) % 3 if partition is None else partition)
        for data in events
    ]


def change(number: int, op: str, lsn: int, **changes: Any) -> Record:
    """A change of the row `number`, at a place in the source's log."""
    row = event(id_evento=..., codigo_produto="P5", data_movimentacao="2026-11-10T09:00:00", **changes)
    place = {"sequence": f'["{lsn}","{lsn}"]', "lsn": lsn, "name": "erp", "db": "erp", "schema": "public"}
    before, after = ({"id": number}, None) if op == "d" else (None, row)
    return debezium_key(id=number), debezium(after, op=op, before=before, **place), 2


def sale(n: int) -> Data:
    """The sale Sn."""
    return {
        "id_evento": f"S{n}", "codigo_produto": f"P{n % 4}", "quantidade": str(n + 1), "preco_unitario": f"{n % 3 + 4}.90",
        "data_pedido": f"2026-11-{2 * n + 1:02}T15:00:00", "cliente": f"C{n % 2}", "numero_pedido": f"PV-{n}",
    }  # fmt: skip


def purchase(n: int) -> Data:
    """The purchase Bn."""
    return {
        "id_evento": f"B{n}", "codigo_produto": f"P{n % 4}", "quantidade": str(10 * (n + 1)), "custo_unitario": f"{n + 1}.15",
        "data_compra": f"2026-10-{3 * n + 1:02}T09:00:00-03:00", "fornecedor": "F1", "numero_pedido": f"PC-{n}",
        "previsao_entrega": "2026-12-01",
    }  # fmt: skip


def produce(system: System, records: dict[str, list[Record]], noting: Callable[[str, Any], None]) -> None:
    """Sends each stream's records one by one, in order; `noting` is told each one's stream and message."""
    for stream, of_stream in records.items():
        for key, value, partition in of_stream:
            noted = partial(lambda of, _, message: noting(of, message), stream)
            system.producer.produce(system.topics[stream], value, key, partition, on_delivery=noted)
            assert system.producer.flush(30) == 0


class Keeper:
    """Writes what is kept."""

    def __init__(self, folder: Path, system: System) -> None:
        self._folder = folder
        self._system = system
        self._sent: list[dict[str, Any]] = []

    def send(self, records: dict[str, list[Record]]) -> None:
        """Produces records, and notes where they came to lie."""
        produce(self._system, records, self._note)

    def _note(self, stream: str, message: Any) -> None:
        self._sent.append({
            "stream": stream, "partition": message.partition(), "offset": message.offset(), "timestamp": message.timestamp()[1],
            "key": _text(message.key()), "value": _text(message.value()),
        })  # fmt: skip

    def keep(self) -> None:
        system = self._system
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._write("records.jsonl", "".join(json.dumps(record) + "\n" for record in self._sent))
        self._write("topics.json", json.dumps(topic_ids(system), indent=1) + "\n")
        self._write("redis.json", json.dumps(dict(self._redis()), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        self._write("database.sql", self._dump())
        self._write("settings.yaml", (system.root / "conf" / "base.yaml").read_text(encoding="utf-8"))
        for name in ("checkpoints", "archive"):
            shutil.copytree(system.folder / name, self._folder / name, ignore=shutil.ignore_patterns("*.crc"))

    def _redis(self) -> Iterator[tuple[str, Any]]:
        for key in self._system.redis.scan_iter("*"):
            read = self._system.redis.hgetall if self._system.redis.type(key) == "hash" else self._system.redis.get
            left = self._system.redis.pttl(key)
            seconds, micros = self._system.redis.time()
            yield key, [read(key), None if left < 0 else seconds * 1000 + micros // 1000 + left]

    def _dump(self) -> str:
        options = ["--no-owner", "--no-privileges", "--inserts", "--column-inserts", "--no-comments"]
        env = {"PGPASSWORD": Path(self._system.env["CASTRO_POSTGRES_PASSWORD_FILE"]).read_text().strip()}
        command = [str(program("pg_dump")), *options, self._system.env["CASTRO_POSTGRES_DSN"]]
        dump = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
        # Neither comments nor psql's own commands (\restrict): any client can run it.
        return re.sub(r"\n{2,}", "\n", re.sub(r"^(--|\\).*\n", "", dump, flags=re.MULTILINE))

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, encoding="utf-8")


def main(checkout: Path) -> None:
    """Runs the checkout's jobs on servers of their own, and keeps what they leave."""
    version = re.search(r'__version__ = "(.+)"', (checkout / "castro_spark" / "__init__.py").read_text())
    assert version
    with tempfile.TemporaryDirectory() as scratch, Stack(Path(scratch) / "stack", die_with_parent=True) as stack:
        folder = Path(scratch) / "system"
        folder.mkdir()
        system = System(stack, folder, tuple(STREAMS), root=checkout)
        system.topics = TOPICS
        system.configure({})
        keeper = Keeper(Path(__file__).parent / f"v{version[1].replace('.', '_')}", system)
        system.migrate()
        system.query(MASTER)
        keeper.send(first())
        system.env["CASTRO_ARCHIVE_DIR"] = str(folder / "archive")
        system.submit("stream", "--available-now")
        del system.env["CASTRO_ARCHIVE_DIR"]
        keeper.send(second())
        process = system.start("stream")
        system.wait_for(LEDGER, len(keeper._sent))
        process.kill()
        process.wait()
        keeper.keep()
        system.end()


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
