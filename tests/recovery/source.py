"""A source table in a database of its own, changed by two sessions at once, as an application would."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg2 import sql

from tests.builders import ZONE, Data
from tests.recovery.connect import Connect
from tests.statements import composed
from tests.system import System

_KEYS = [f"N{n}" for n in range(60)]
_FEWEST = 10  # rows that no delete is made below, so that the table is never empty
_PAUSE_SECONDS = 0.01  # so that the stream meets a row's changes in many batches, not all in one
_CREATE = """
CREATE TABLE inventory_transactions (
    id_evento text PRIMARY KEY,
    codigo_produto text NOT NULL,
    tipo_movimentacao text NOT NULL,
    quantidade numeric(18,6) NOT NULL,
    custo_unitario numeric(18,6) NOT NULL,
    data_movimentacao timestamp NOT NULL,
    deposito text,
    fornecedor text,
    cliente text,
    observacao text
)"""


class _Session:
    """A connection with its transaction, and the keys that this transaction has locked."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.held: set[str] = set()

    def execute(self, statement: str | sql.Composable, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def end(self, *, commit: bool) -> None:
        if commit:
            self.connection.commit()
        else:
            self.connection.rollback()
        self.held.clear()


class Source:
    """Every timestamp that it writes is another one, so that no product has two newest rows."""

    def __init__(self, system: System, chance: random.Random) -> None:
        self._system = system
        self._chance = chance
        self._written = 0
        self.database = f"source_of_{system.database}"
        self.publication = self.slot = f"castro_{system.database}"
        connection = system.connect()
        connection.autocommit = True
        connection.cursor().execute(composed("CREATE DATABASE {database}", database=self.database))
        connection.close()
        self._sessions = [_Session(system.connect(self.database)) for _ in range(2)]
        first = self._sessions[0]
        first.execute(_CREATE)
        # Out of line and not compressed: an update that leaves it alone does not log it.
        first.execute("ALTER TABLE inventory_transactions ALTER observacao SET STORAGE EXTERNAL")
        first.execute(composed("CREATE PUBLICATION {name} FOR TABLE inventory_transactions", name=self.publication))
        first.end(commit=True)

    def debezium(self, folder: Path, changes: Mapping[str, str]) -> Connect:
        """A Debezium of this source, its changes routed to the system's topic; with these changes of the connector."""
        dsn = self._sessions[0].connection.info
        address = {"HOST": "127.0.0.1", "PORT": str(dsn.port), "USER": dsn.user, "DATABASE": self.database}
        return Connect(
            folder, self._system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"], password=dsn.password,
            env={f"CASTRO_SOURCE_{name}": value for name, value in address.items()},
            changes={
                "publication.name": self.publication, "slot.name": self.slot, "poll.interval.ms": "50",
                "transforms.inventory.replacement": self._system.topic, **changes,
            },
        )  # fmt: skip

    def insert_some(self, count: int) -> None:
        session = self._sessions[0]
        for key in self._chance.sample(_KEYS, count):
            self._insert(session, key, set())
        session.end(commit=True)

    def change(self, count: int) -> None:
        """So many random statements, in transactions of which some are open together and some are rolled back."""
        for _ in range(count):
            session = self._chance.choice(self._sessions)
            if self._chance.random() < 0.1:
                session.execute("SAVEPOINT before")
                self._statement(session)
                session.execute("ROLLBACK TO before")  # the keys stay held: more than PostgreSQL locks, never less
            else:
                self._statement(session)
            if self._chance.random() < 0.4:
                session.end(commit=self._chance.random() < 0.75)
            time.sleep(_PAUSE_SECONDS)
        for session in self._sessions:
            session.end(commit=True)

    def put(self, key: str) -> None:
        session = self._sessions[0]
        session.execute(*self._inserting(key))
        session.end(commit=True)

    def remove(self, key: str) -> None:
        session = self._sessions[0]
        session.execute("DELETE FROM inventory_transactions WHERE id_evento = %(key)s", {"key": key})
        session.end(commit=True)

    def rows(self) -> list[Data]:
        """What the table holds, as native events would say it."""
        names = [n for n in self._row("") if n != "observacao"]
        found = self._sessions[0].execute(composed("SELECT {names} FROM inventory_transactions", names=names))
        self._sessions[0].end(commit=True)
        rows = [dict(zip(names, row, strict=True)) for row in found]
        return [row | {"data_movimentacao": row["data_movimentacao"].isoformat()} for row in rows]

    def end(self) -> None:
        """Drops the slot and the database; the connector has ended, its connection within moments."""
        for session in self._sessions:
            session.connection.close()
        active = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = {slot} AND active"
        self._system.wait_for(composed(active, slot=sql.Literal(self.slot)), 0, 30)
        self._system.query(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %(slot)s",
            {"slot": self.slot},
        )
        connection = self._system.connect()
        connection.autocommit = True
        # And the publication in it.
        connection.cursor().execute(composed("DROP DATABASE {database} WITH (FORCE)", database=self.database))
        connection.close()

    def _statement(self, session: _Session) -> None:
        others = {key for other in self._sessions if other is not session for key in other.held}  # would wait for ever
        found = session.execute("SELECT id_evento FROM inventory_transactions ORDER BY 1")
        present = [key for (key,) in found if key not in others]
        absent = [key for key in _KEYS if key not in others and key not in present]
        kinds: list[Callable[[], None]] = []
        if absent:
            kinds += [lambda: self._insert(session, self._chance.choice(absent), others)] * 3
        if present:
            some = self._chance.sample(present, min(len(present), self._chance.choice([1, 1, 1, 4])))
            kinds += [lambda: self._update(session, some)] * 4
        if len(present) > _FEWEST:
            kinds += [lambda: self._delete(session, some)] * 2
        if present and absent:
            kinds += [lambda: self._rename(session, self._chance.choice(present), self._chance.choice(absent))]
        self._chance.choice(kinds)()

    def _insert(self, session: _Session, key: str, others: set[str]) -> None:
        session.held.add(key)
        session.execute(*self._inserting(key))

    def _inserting(self, key: str) -> tuple[sql.Composable, Data]:
        row = self._row(key)
        values = [sql.Placeholder(n) for n in row]
        insert = "INSERT INTO inventory_transactions ({names}) VALUES ({values})"
        return composed(insert, names=list(row), values=values), row

    def _update(self, session: _Session, keys: list[str]) -> None:
        session.held.update(keys)
        for key in keys:
            row = self._row(key)
            chosen = self._chance.sample([n for n in row if n != "id_evento"], self._chance.randrange(1, 4))
            changes = [composed("{name} = {value}", name=n, value=sql.Placeholder(n)) for n in chosen]
            update = "UPDATE inventory_transactions SET {changes} WHERE id_evento = %(id_evento)s"
            session.execute(composed(update, changes=changes), row)
        if len(keys) > 1:  # and all of them in one statement
            session.execute(
                "UPDATE inventory_transactions SET custo_unitario = custo_unitario + 0.000001 WHERE id_evento = ANY(%(keys)s)",
                {"keys": keys},
            )

    def _delete(self, session: _Session, keys: list[str]) -> None:
        session.held.update(keys)
        session.execute("DELETE FROM inventory_transactions WHERE id_evento = ANY(%(keys)s)", {"keys": keys})

    def _rename(self, session: _Session, old: str, new: str) -> None:
        session.held.update((old, new))
        rename = "UPDATE inventory_transactions SET id_evento = %(new)s WHERE id_evento = %(old)s"
        session.execute(rename, {"old": old, "new": new})

    def _row(self, key: str) -> Data:
        chance = self._chance
        self._written += 1
        when = datetime.now(ZONE).replace(tzinfo=None) - timedelta(minutes=chance.randrange(1, 40_000))
        return {
            "id_evento": key,
            "codigo_produto": f"P{chance.randrange(8)}",
            "tipo_movimentacao": chance.choice(["ENTRADA", "SAIDA", "AJUSTE"]),
            "quantidade": Decimal(chance.randrange(-5_000_000, 50_000_000)).scaleb(-6),
            "custo_unitario": Decimal(chance.randrange(0, 10**9)).scaleb(-6),
            "data_movimentacao": when.replace(microsecond=self._written),
            "deposito": f"D{chance.randrange(3)}",
            "fornecedor": chance.choice([None, "Laticínios São João"]),
            "cliente": chance.choice([None, "C1", "C2"]),
            "observacao": chance.choice([None, chance.randbytes(4000).hex()]),
        }
