"""A database in which stock moves: the inventory stream's commits, the warehouse's tables, critical products. No JVM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import yaml
from psycopg2 import sql
from psycopg2.extensions import make_dsn

from castro_spark.critical.evaluation import Evaluated, Evaluation
from castro_spark.parse import parse_batch
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.out_of_band import OutOfBandCommits
from castro_spark.sinks.postgres.commit.staging import StagedBatch, stage_on_driver
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sinks.postgres.sql_files import names
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from castro_spark.streams import all_streams
from tests.builders import ZONE, Data, event, native
from tests.consumer import Consumer, with_positions
from tests.databases.alerting import Alerting
from tests.statements import composed

MASTER, LEVELS = "ml_product_master", "ml_stock_levels"
RULES_OFF: dict[str, Any] = dict.fromkeys(("flagged", "below_minimum", "low_cover", "unusual_movement"))
CLASSES = {
    "product_360": {"master_data": {"product_class": "class", "critical": "critical"}, "stock_levels": {"minimum_stock": "minimum"}},
    "warehouse": {"tables": {
        MASTER: {"columns": {"class": {"from": "classe", "type": "text"}, "critical": {"from": "critico", "type": "boolean"}}},
        LEVELS: {"columns": {"minimum": {"from": "minimo", "type": "decimal"}}},
    }},
}  # fmt: skip


class Stock:
    """All tables, empty, in a database of their own. Rules are those that `configure` names; the others are off."""

    def __init__(self, alerting: Alerting) -> None:
        self.alerting = alerting
        self.redis_url = alerting.redis_url
        _create_database(alerting)
        self.configure()
        with closing(alerting.connect()) as connection:
            migrate(connection, all_streams().values())
            migrate_warehouse(connection, self.settings.warehouse.mapped)
            _empty(connection)
        self.consumer = Consumer(alerting)  # type: ignore[arg-type]
        self._offset = 0

    def configure(self, rules: dict[str, Any] | None = None, channels: dict[str, Any] | None = None, **others: Any) -> None:
        """Settings with these rules; tasks go to a broker that nobody reads, unless `channels` says otherwise."""
        channels = channels or {"celery": {"type": "celery"}}
        fast = {"retry_first_seconds": 0.05, "retry_most_seconds": 0.2, "poll_seconds": 0.2}
        critical = {"rules": {**RULES_OFF, **(rules or {})}, **others}
        tree = {**CLASSES, "alerts": {"channels": channels, "outbox": fast}, "critical": critical}
        self.alerting.conf.write_text(yaml.safe_dump(tree))
        self.settings = self.alerting.settings = load_settings(conf_file=self.alerting.conf, environ=self.alerting.env)

    def move(self, *movements: Data) -> None:
        """The stream commits these movements as one batch."""
        records = [(0, self._offset + n, native(m)) for n, m in enumerate(movements)]
        self._offset += len(movements)
        staged = stage_on_driver([with_positions(records)], self.consumer.rules, self.consumer.positions)
        ends = self.consumer.ends(records)
        self.consumer.commit(0, staged, ends)
        self.consumer.positions = ends

    def backfill(self, *movements: Data) -> None:
        """A commit out of band, as backfills, replays and extracts make them."""
        commits = OutOfBandCommits(self.settings.postgres, self.consumer.stream, patience=0)
        with closing(commits):
            parsed = staging.with_origin(
                parse_batch(with_positions([(0, n, native(m)) for n, m in enumerate(movements)]), self.consumer.rules), "test", 0
            )
            commits.commit(StagedBatch(staging.count([parsed]), [parsed]))

    def extract(self, table: str, *rows: Data, age: timedelta = timedelta(0), full: bool = False) -> None:
        """What an extract of these rows commits; `age`: since the source changed them."""
        with closing(self.alerting.connect()) as connection, connection, connection.cursor() as cursor:
            if full:
                cursor.execute(composed("DELETE FROM {table}", table=table))
            for row in rows:
                values = {"last_modified": datetime.now(ZONE) - age, **row}
                columns = tuple(values)
                upsert = composed(
                    "INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET loaded_at = now(), {changes}",
                    table=table, columns=columns, values=names(columns, sql.Placeholder),
                    key=("product_code",) if table == MASTER else ("product_code", "warehouse"),
                    changes=names(columns, lambda c: composed("{column} = EXCLUDED.{column}", column=c)),
                )  # fmt: skip
                cursor.execute(upsert, values)
            cursor.execute(
                "INSERT INTO castro.extract_watermark AS w (target, revision, mode, rows_read) VALUES (%s, 1, %s, %s) ON CONFLICT"
                " (target) DO UPDATE SET revision = w.revision + 1, committed_at = now()",
                (table, "full" if full else "incremental", len(rows)),
            )

    def evaluate(self) -> Evaluated:
        """One evaluation by a new process."""
        with self.evaluator() as evaluation:
            return evaluation.run()

    @contextmanager
    def evaluator(self) -> Iterator[Evaluation]:
        with closing(connect(self.settings.postgres, "test critical")) as connection:
            yield Evaluation(self.settings, connection)

    def causes(self) -> list[str]:
        """What is in the outbox, in its order."""
        return [cause.removeprefix("critical:") for (cause,) in self.alerting.query("SELECT cause FROM castro.outbox ORDER BY id")]

    def lasting(self) -> list[tuple[str, str, int]]:
        return self.alerting.query(
            "SELECT product_code, rule, episode FROM castro.critical WHERE ended_at IS NULL ORDER BY product_code, rule"
        )  # type: ignore[return-value]

    def close(self) -> None:
        self.consumer.close()


def _create_database(alerting: Alerting) -> None:
    """Makes `alerting` use the database `stock`, the same for all tests."""
    with closing(alerting.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'stock'")
        if cursor.fetchone() is None:
            cursor.execute("CREATE DATABASE stock")
        # A test that failed may have left sessions.
        cursor.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'stock'")
    alerting.env["CASTRO_POSTGRES_DSN"] = make_dsn(alerting.env["CASTRO_POSTGRES_DSN"], dbname="stock")


def _empty(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'castro')")
        tables = [sql.Identifier(*name) for name in cursor.fetchall()]
        cursor.execute(composed("TRUNCATE {tables} RESTART IDENTITY", tables=tables))
        cursor.execute("INSERT INTO castro.product_360 DEFAULT VALUES")


def moved(code: str, quantity: object, kind: str = "SAIDA", days_ago: float = 0, id: str | None = None) -> Data:
    """A movement of today, or of an earlier local day at noon."""
    when = datetime.now(ZONE)
    if days_ago:
        when = (when - timedelta(days=days_ago)).replace(hour=12)
    return event(
        id_evento=id or f"{code}-{when.isoformat()}-{quantity}", codigo_produto=code, tipo_movimentacao=kind,
        quantidade=str(quantity), data_movimentacao=when.isoformat(),
    )  # fmt: skip
