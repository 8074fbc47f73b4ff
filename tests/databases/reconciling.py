"""What tests of reconciliations share: movements told to both sides, runs, and what must be there after them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from threading import Event
from typing import Any

from pyspark.sql import SparkSession

from castro_spark.reconcile.report import StreamResult
from castro_spark.reconcile.run import reconcile
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests import oracle
from tests.builders import event, native
from tests.consumer import Consumer
from tests.databases import warehouse as w
from tests.statements import composed
from tests.system import System
from tests.today import today

INVENTORY = stream("inventory")
TODAY = today()  # as the run began: all that is compared names its day, and any recent one serves
DAY = TODAY - timedelta(days=1)
MINUTE = timedelta(minutes=1)
FREE = {"in_flight_minutes": 0, "change_limit": 1, "repairs_per_commit": 4}
SUMS = ("transactions", "volume", "value", "volume_in", "volume_out", "value_in", "value_out", "last_unit_cost")


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=w.ZONE).astimezone(timezone.utc)


def row(number: int, day: date = DAY, changed: datetime | None = None, **values: Any) -> w.Row:
    """A movement of the day, of which the warehouse heard a minute later."""
    at = noon(day) + number * MINUTE
    whole = {"data_movimentacao": at, "cliente": 'Zé "B", ção', **values}
    return w.transaction(number, changed or at + MINUTE, **whole)


def record(told: w.Row) -> dict[str, Any]:
    """The event that tells the same."""
    names = ("codigo_produto", "tipo_movimentacao", "deposito", "fornecedor", "cliente")
    return event(
        id_evento=told["id_transacao"], quantidade=str(told["quantidade"]), custo_unitario=str(told["custo_unitario"]),
        data_movimentacao=told["data_movimentacao"].isoformat(), **{name: told[name] for name in names},
    )  # fmt: skip


def consume(consumer: Consumer, rows: Iterable[w.Row], number: int = 1) -> None:
    """The stream brings the rows, at the next offsets."""
    start = consumer.positions[0]
    batch = [(0, start + n, native(record(told))) for n, told in enumerate(rows)]
    consumer.consume(number, batch, by_executors=False, twice=False)


def run(spark: SparkSession, system: System, *, apply: bool = True, force: bool = False, day: date = DAY, **own: Any) -> StreamResult:
    system.configure({"reconcile": {**FREE, **own}})
    settings = load_settings(conf_file=system.conf, environ=system.env)
    [result] = reconcile(spark, settings, [INVENTORY], day, apply=apply, force=force, stopping=Event())
    print("\n".join(result.lines()))
    return result


def found(result: StreamResult) -> tuple[int, int, int]:
    return result.events.missing, result.events.extra, result.events.different


def assert_nothing_to_do(result: StreamResult) -> None:
    assert result.problem is None
    assert (result.differences, sum(result.repaired.values()), result.in_flight, result.overtaken) == (0, 0, 0, 0), result.lines()


def assert_is(system: System, rows: Iterable[w.Row]) -> None:
    """PostgreSQL and Redis hold what the newest rows say, and nothing else."""
    there = [r for r in w.newest(rows).values() if not r["excluido"]]
    sent = [((0, n), record(r)) for n, r in enumerate(there)]
    daily, monthly = oracle.aggregates(sent)
    held = system.query(
        "SELECT event_id, product_code, transaction_type, quantity, unit_cost, value_total, \"timestamp\", warehouse, customer, date"
        " FROM ml_inventory_realtime"
    )
    events = {r[0]: r[1:] for r in held}
    assert events == {d["id_evento"]: oracle.event_row(d) for _, d in sent}
    for table, period, sums in (("daily", "date", daily), ("monthly", "month", monthly)):
        query = "SELECT product_code, {period}, {sums} FROM {table}"
        held = system.query(composed(query, period=period, sums=SUMS, table=f"ml_inventory_{table}"))
        assert {(r[0], r[1]): r[2:] for r in held} == {key: s.row() for key, s in sums.items()}
    oracle.assert_redis_agrees(system, sent)


def state(system: System) -> Any:
    """All that a run which changes nothing must leave as it is."""
    tables = ("ml_inventory_realtime", "ml_inventory_daily", "ml_inventory_monthly", "castro.deleted", "castro.repair")
    return [sorted(system.query(composed("SELECT t::text FROM {table} t", table=t))) for t in tables], hashes(system)


def hashes(system: System) -> dict[str, Any]:
    return {k: system.redis.hgetall(k) for k in system.redis.scan_iter("*:*:*") if not k.startswith("castro:")}
