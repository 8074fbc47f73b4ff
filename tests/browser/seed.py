"""Rows as the jobs would leave them after some weeks: days, books, incidents, rejected records and the rest.

Deterministic but for the day: they end today. `Living` beats as running streams do.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from psycopg2 import sql

from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.observe.instance import StreamState
from castro_spark.process.component import Component
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.redis.hashes import VersionedHashes
from tests.statements import composed

STREAMS = ("inventory", "procurement", "sales")
TOPIC_ID, PARTITIONS, END, REVISION, EPOCH = "topic-of-the-tests", 3, 120_000, 4_210, 3
_PRICES = {"inventory": "unit_cost", "procurement": "unit_cost", "sales": "unit_price"}
_BY_DIRECTION = {  # columns of inventory's days, and what is in them
    "volume_in": "n * 7.5", "volume_out": "n * 5.0", "value_in": "round(n * 7.5 * price, 2)", "value_out": "round(n * 5 * price, 2)",
}  # fmt: skip

_DAYS = """
INSERT INTO {daily} (product_code, date, transactions, volume, value, {columns}, revision)
SELECT code, day, n, n * 12.5, round(n * 12.5 * price, 2), {values}, 1
FROM (
    SELECT 'P' || lpad(p::text, 4, '0') AS code, day::date, 3.25 + p AS price,
        greatest(1, ({scale} * (CASE WHEN extract(isodow FROM day) > 5 THEN 0.35 ELSE 1 END)
            * (1 + 0.18 * sin(extract(doy FROM day) * 1.7) + 0.1 * sin(p * 3 + extract(doy FROM day)))
            * (CASE WHEN day = %(today)s THEN 0.55 ELSE 1 END)))::int AS n
    FROM generate_series(1, 40) p,
        generate_series(%(today)s::date - 90, %(today)s::date, interval '1 day') day
) made
"""
_MONTHS = """
INSERT INTO {monthly} (product_code, month, transactions, volume, value, {columns}, revision)
SELECT product_code, date_trunc('month', date)::date, sum(transactions), sum(volume), sum(value), {sums}, 1
FROM {daily} GROUP BY 1, 2
"""


def fill(settings: Settings, today: Any) -> None:
    """A healthy house; its streams are those of `Living`."""
    with closing(connect(settings.postgres, "seed")) as connection, connection, connection.cursor() as cursor:
        for stream, scale in zip(STREAMS, (310, 24, 170), strict=True):
            last = f"last_{_PRICES[stream]}"
            more = _BY_DIRECTION if stream == "inventory" else {}
            names: dict[str, Any] = {"daily": f"ml_{stream}_daily", "columns": (*more, last)}
            values = [sql.SQL(value) for value in (*more.values(), "price")]
            days = composed(_DAYS, values=values, scale=sql.Literal(scale), **names)
            cursor.execute(days, {"today": today})
            sums = [composed("sum({column})", column=column) for column in more]
            sums.append(composed("max({last})", last=last))
            cursor.execute(composed(_MONTHS, monthly=f"ml_{stream}_monthly", sums=sums, **names))
            _progress(cursor, stream)
        _others(cursor)


def _progress(cursor: Any, stream: str) -> None:
    cursor.execute(
        "INSERT INTO castro.stream (stream, topic, topic_id, epoch, writer, revision, kinds)"
        " VALUES (%s, %s, %s, %s, 'castro@test pid 1', %s, '{id}')",
        (stream, f"castrolanda.{stream}.updates", TOPIC_ID, EPOCH, REVISION),
    )
    cursor.execute(
        "INSERT INTO castro.offset_ledger (stream, partition, next_offset)"
        " SELECT %s, p, %s FROM generate_series(0, %s) p",
        (stream, END, PARTITIONS - 1),
    )
    cursor.execute(
        "INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected,"
        " stale, deleted, quarantined, skipped, gaps, committed_at)"
        " SELECT %s, %s - n, 0, %s - n, %s - (n + 1) * 40, %s - n * 40, 35, 3, 1, 0, 1, 0, 0, now() - n * interval '2 s'"
        " FROM generate_series(0, 900) n",
        (stream, REVISION, REVISION, END, END),
    )
    cursor.execute(
        "INSERT INTO castro.projection (stream, projector, alive_at, revision) VALUES (%s, 'castro@test', now(), %s)",
        (stream, REVISION),
    )


def _others(cursor: Any) -> None:
    required = _required()
    cursor.execute(composed(
        "INSERT INTO ml_product_360 (product_code, as_of, description, revision, {columns}, in_volume_7d)"
        " SELECT 'P' || lpad(p::text, 4, '0'), current_date, 'Ração para bezerros ' || p, 1, {values}, 1"
        " FROM generate_series(1, 40) p", columns=required, values=[sql.Literal(12.5)] * len(required),
    ))  # fmt: skip
    seen = dict.fromkeys(STREAMS, REVISION)
    cursor.execute(
        "UPDATE castro.product_360 SET revision = 1, refreshed_at = now() - interval '3 s', seen = %s",
        (json.dumps(seen),),
    )
    cursor.execute(
        "INSERT INTO castro.extract_watermark (target, watermark, revision, mode, rows_read, committed_at)"
        " SELECT t, now() - interval '5 min', 1, 'incremental', 120, now() - interval '4 min'"
        " FROM unnest(ARRAY['ml_product_master', 'ml_stock_levels', 'ml_purchases']) t"
    )
    cursor.execute(
        "INSERT INTO castro.quality_result (run, check_name, subject, severity, outcome, failed, words, observed, evidence,"
        " day, judged_at)"
        " SELECT 'r1', c, s, 'critical', 'pass', false, 'as expected', '0', '{}', current_date, now() - interval '20 min'"
        " FROM unnest(ARRAY['freshness', 'record_counts', 'volume', 'drift']) c, unnest(%s) s",
        (list(STREAMS),),
    )
    for kind, hours in (("reconcile", 9), ("extract", 0)):
        cursor.execute(
            "INSERT INTO castro.instance (stream, instance, kind, host, pid, application, mode, state, state_since,"
            " started_at, heartbeat_at) VALUES ('', %s, %s, 'test', 1, '', 'once', 'done',"
            " now() - %s * interval '1 h', now() - %s * interval '1 h', now() - %s * interval '1 h')",
            (f"job-{kind}", kind, hours, hours, hours),
        )


def _required() -> list[str]:
    """The columns of the view that must be given, but for one."""
    return ["on_hand"] + [
        f"{what}_{of}_{days}d"
        for what in ("in", "out", "sales", "purchase")
        for of in ("volume", "value")
        for days in (7, 30, 90)
        if (what, of, days) != ("in", "volume", 7)
    ]


def publish(settings: Settings) -> None:
    """Marks Redis as written up to the streams' commits."""
    for name in STREAMS:
        with closing(VersionedHashes(settings.redis, name, ())) as hashes:
            hashes.mark(EPOCH, REVISION)


class Living:
    """Streams that run, in step with their topics, until the end of the context."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.streams = {name: StreamState(name, available_now=False) for name in STREAMS}
        self.view = Component("product_360")
        self._heartbeat = Heartbeat(settings.postgres, [*self.streams.values(), self.view], "local-1")
        for state in self.streams.values():
            state.claimed(EPOCH)
            state.committed(REVISION, {"staged": 0.12, "committed": 0.08}, 17)
        self.view.running()
        self.look()

    def look(self, waiting: int = 0) -> None:
        """Each stream looks at its topic, in which so many records wait; it committed just now, and steadily before."""
        with closing(connect(self._settings.postgres, "seed")) as connection, connection, connection.cursor() as cursor:
            cursor.execute("UPDATE castro.batch_books SET committed_at = now() - (%s - revision) * interval '2 s'", (REVISION,))
            cursor.execute("UPDATE castro.stream SET updated_at = now()")
        for state in self.streams.values():
            state.component.saw_topic(TOPIC_ID, {p: END + (waiting if p == 0 else 0) for p in range(PARTITIONS)})

    def __enter__(self) -> Living:
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._heartbeat.__exit__(*raised)


def trouble(settings: Settings) -> None:
    """Incidents, dead letters and rejected records."""
    with closing(connect(settings.postgres, "seed")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.incident (check_name, subject, outcome, level, words, evidence, opened_at, seen_at,"
            " worst_level, outcomes) VALUES"
            " ('freshness', 'sales', 'fail', 3, 'the oldest record waits for more than 40 min', '{}',"
            "  now() - interval '47 min', now() - interval '1 min', 3, '{fail}'),"
            " ('null_rates', 'inventory.customer', 'warn', 1, '31 % of customers are null, usual are 12 %', '{}',"
            "  now() - interval '5 h', now() - interval '20 min', 1, '{warn}')"
        )
        cursor.execute(
            "INSERT INTO castro.outbox (kind, cause, channel, message_id, payload, state, attempts, error, error_at, settled_at)"
            " SELECT 'incident', 'c' || n, 'email', gen_random_uuid(), '{}', 'dead', 30,"
            " 'ConnectionRefusedError: [Errno 111] Connection refused', now(), now() FROM generate_series(1, 2) n"
        )
        cursor.execute(
            'INSERT INTO castro.quarantine (stream, topic, generation, partition, "offset", value, reason, detail)'
            " SELECT 'inventory', 't', 0, 0, n, '\\x7b226122', 'not_json', 'line 1' FROM generate_series(1, 134) n"
        )
