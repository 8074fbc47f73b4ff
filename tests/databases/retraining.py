"""A database with streams' daily rows for the retraining policy: a wave of a year, levels by product, some noise."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, time, timedelta
from typing import Any

import yaml

from castro_spark.retraining.decide import decide_now
from castro_spark.retraining.record import Finished, record
from castro_spark.retraining.store import Decided
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.streams import all_streams
from tests.databases.alerting import Alerting

BROKER_DB = 13
# The age rule alone.
AGED: dict[str, Any] = {"rules": {"drift": None, "new_rows": None, "new_products": None, "first": None}}
PRODUCTS = 300
BEGIN, END = date(2024, 1, 1), date(2026, 12, 31)
# Weekly rows. The season is one wave a year (364 days, most in January), so that a window differs from that of half a year before.
FILL = """
INSERT INTO ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out,
    last_unit_cost, revision)
SELECT code, day::date, 1 + product %% 3, volume, volume * cost, volume, 0, 0, 0, cost, 1
FROM (
    SELECT product, 'P' || product AS code, day,
           round((5 + product) * (1.0 + 0.9 * cos(2 * pi() * (extract(doy FROM day)::int %% 364) / 364)::numeric)
                 * (90 + hashtext(product || day::text) %% 11) / 100, 3) AS volume,
           round(1 + product %% 37 + (50 + hashtext(product || 'c' || day::text) %% 6) / 100.0, 2) AS cost
    FROM generate_series(1, %(products)s) product, generate_series(%(begin)s::timestamp, %(end)s::timestamp, '7 days') day
) made;
INSERT INTO ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in,
    value_out, last_unit_cost, revision)
SELECT product_code, date_trunc('month', date), sum(transactions), sum(volume), sum(value), 0, 0, 0, 0, max(last_unit_cost), 1
FROM ml_inventory_daily GROUP BY 1, 2;
INSERT INTO castro.touched SELECT 'inventory', 'P' || n, 1 FROM generate_series(1, %(products)s) n;
ANALYZE ml_inventory_daily
"""


class Retraining:
    """Tables of all streams, and settings in which a rule needs no confirmation and `quality` does not hold."""

    def __init__(self, alerting: Alerting) -> None:
        self.alerting, self.query = alerting, alerting.query
        with closing(alerting.connect()) as connection:
            migrate(connection, list(all_streams().values()))
        self.configure()

    def clean(self) -> None:
        """Removes all rows, and the settings of the last test."""
        self.query(
            "TRUNCATE castro.training, castro.retraining_decision, castro.outbox, castro.quality_result, castro.instance,"
            " castro.touched, ml_inventory_daily, ml_inventory_monthly; TRUNCATE castro.incident RESTART IDENTITY CASCADE"
        )
        self.configure()

    def configure(self, **changes: Any) -> None:
        conf = yaml.safe_load(self.alerting.conf.read_text())
        conf["retraining"] = {
            "features": ["inventory.volume", "inventory.last_unit_cost"], "min_products": 50, "confirmations": 1,
            "hold": {"quality_max_age_hours": None}, "retention_days": 5000, **changes,
        }  # fmt: skip
        self.alerting.conf.write_text(yaml.safe_dump(conf))
        self.settings = self.alerting.settings = load_settings(conf_file=self.alerting.conf, environ=self.alerting.env)

    def fill(self, products: int = PRODUCTS) -> None:
        self.query(FILL, {"products": products, "begin": BEGIN, "end": END})

    def trained(self, day: date, **metrics: float) -> None:
        """Records a training of the morning of this day, on the days before."""
        finished = Finished(self.at(day), day - timedelta(days=1), None, metrics, None, "test")
        record(self.settings, all_streams(), finished)

    def decide(self, day: date | None = None) -> Decided:
        return decide_now(self.settings, all_streams(), at=self.at(day) if day else None)

    def at(self, day: date) -> datetime:
        return datetime.combine(day, time(9), self.settings.zone)

    def evidence(self) -> dict[str, Any]:
        """That of the last decision."""
        return self.query("SELECT evidence FROM castro.retraining_decision ORDER BY decided_at DESC LIMIT 1")[0][0]  # type: ignore[no-any-return]
