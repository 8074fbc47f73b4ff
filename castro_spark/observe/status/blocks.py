"""Every block of the status, in the order of the output. To add one, write its module and name it here."""

from __future__ import annotations

from castro_spark.observe.status.alerts import ALERTS
from castro_spark.observe.status.commands import COMMANDS
from castro_spark.observe.status.components import COMPONENTS
from castro_spark.observe.status.critical import CRITICAL
from castro_spark.observe.status.product_360 import PRODUCT_360
from castro_spark.observe.status.quality import QUALITY
from castro_spark.observe.status.retraining import RETRAINING
from castro_spark.observe.status.streams import STREAMS
from castro_spark.observe.status.warehouse import WAREHOUSE

BLOCKS = (
    STREAMS, PRODUCT_360, CRITICAL, WAREHOUSE, QUALITY, COMPONENTS, COMMANDS, ALERTS, RETRAINING,
)  # fmt: skip
